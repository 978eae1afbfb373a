internal import Tensors

/// The largest singular values of a matrix by a seeded random projection with power iterations (Halko, Martinsson and Tropp,
/// SIAM Review 53, 2011, algorithms 4.4 and 5.1): relative errors of about 1e-4 where the spectrum is flat, far less where it falls.
enum RandomizedSVD {
    /// Columns projected beyond those that are asked for.
    private static let oversampling = 16
    private static let powerIterations = 3

    /// The `count` largest, falling; fewer where the rank is less; nil where it is 0 or LAPACK does not converge. The same for the
    /// same seed and name.
    static func singularValues(_ matrix: MatrixView, count: Int, seed: UInt64, name: String) -> [Double]? {
        let width = min(count + oversampling, matrix.rows, matrix.columns)
        let random = CounterRandom(seed: seed, name: name)
        var right = Matrix(rows: matrix.columns, columns: width)
        var elements = right.mutableElements
        for index in elements.indices { elements[index] = Float(random.normal(index)) }
        var left = range(of: matrix, right)
        for _ in 0..<powerIterations { left = range(of: matrix, range(of: matrix.transposed, left)) }
        guard left.columns > 0 else { return nil }
        var projected = Matrix(rows: matrix.columns, columns: left.columns)
        var target = projected.mutableView
        LinearAlgebra.multiply(matrix.transposed, left.view, into: &target)
        return GramSpectrum.singularValues(projected.view).map { Array($0.prefix(count)) }
    }

    /// An orthonormal basis of the columns of a b; without columns where LAPACK does not converge.
    private static func range(of a: MatrixView, _ b: borrowing Matrix) -> Matrix {
        var product = Matrix(rows: a.rows, columns: b.columns)
        var view = product.mutableView
        LinearAlgebra.multiply(a, b.view, into: &view)
        // Once more: the first basis is orthonormal only as far as the product's condition lets it.
        return orthonormal(orthonormal(product))
    }

    /// b U w^(-1/2), where b^T b = U diag(w) U^T, without the directions that are lost in rounding.
    private static func orthonormal(_ b: borrowing Matrix) -> Matrix {
        let n = b.columns
        let (values, vectors) = LinearAlgebra.eigen(GramSpectrum.gram(b.view), count: n) ?? ([], [])
        let least = (values.last ?? 0) * 1e-12
        let kept = values.indices.filter { values[$0] > least && values[$0] > 0 }
        var turn = Matrix(rows: n, columns: kept.count)
        var elements = turn.mutableElements
        for (column, index) in kept.enumerated() {
            let scale = 1 / values[index].squareRoot()
            for row in 0..<n { elements[row * kept.count + column] = Float(vectors[index * n + row] * scale) }
        }
        var basis = Matrix(rows: b.rows, columns: kept.count)
        var view = basis.mutableView
        LinearAlgebra.multiply(b.view, turn.view, into: &view)
        return basis
    }
}
