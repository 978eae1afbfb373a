/// An orthonormal basis of where a matrix is largest, by a seeded random projection with power iterations (Halko, Martinsson and Tropp,
/// SIAM Review 53, 2011, algorithm 4.4).
package enum RangeFinder {
    /// Columns projected beyond those that are asked for.
    private static let oversampling = 16
    private static let powerIterations = 3

    /// The basis of a matrix's columns, one vector a column: 16 more than `count`, fewer where the rank is less, none where it is 0 or LAPACK
    /// does not converge. The same for the same seed and name.
    package static func basis(of matrix: MatrixView, count: Int, seed: UInt64, name: String) -> Matrix {
        let random = CounterRandom(seed: seed, name: name)
        var start = Matrix(rows: matrix.columns, columns: min(count + oversampling, matrix.rows, matrix.columns))
        var elements = start.mutableElements
        for index in elements.indices { elements[index] = Float(random.normal(index)) }
        var left = range(of: matrix, start)
        for _ in 0..<powerIterations { left = range(of: matrix, range(of: matrix.transposed, left)) }
        return left
    }

    /// An orthonormal basis of the columns of a b.
    private static func range(of a: MatrixView, _ b: borrowing Matrix) -> Matrix {
        var product = Matrix(rows: a.rows, columns: b.columns)
        guard product.count > 0 else { return product }
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
        guard basis.count > 0 else { return basis }
        var view = basis.mutableView
        LinearAlgebra.multiply(b.view, turn.view, into: &view)
        return basis
    }
}
