internal import Storage
internal import SystemPackage
internal import Tensors

/// Two thin matrices whose product is near a change: left (rows x rank, its columns orthonormal) times right (rank x columns).
///
/// Found by a seeded random projection with power iterations (Halko, Martinsson and Tropp, SIAM Review 53, 2011, algorithms 4.4 and 5.1).
struct LowRankFactors: ~Copyable {
    private static let oversampling = 16
    private static let powerIterations = 3

    let left: Matrix
    let right: Matrix

    /// Of the change of a tensor of that name. Nil where LAPACK does not converge, or the change's rank is less.
    init?(of change: borrowing Matrix, rank: Int, name: String) {
        let width = min(rank + Self.oversampling, change.rows, change.columns)
        let random = CounterRandom(seed: 0, name: name)
        var start = Matrix(rows: change.columns, columns: width)
        var elements = start.mutableElements
        for index in elements.indices { elements[index] = Float(random.normal(index)) }
        var basis = Self.basis(of: change.view, start.view)
        for _ in 0..<Self.powerIterations {
            let other = Self.basis(of: change.view.transposed, basis.view)
            basis = Self.basis(of: change.view, other.view)
        }
        let projected = Self.product(basis.view.transposed, change.view)
        let gram = Self.gram(projected.view.transposed)
        guard basis.columns >= rank, let vectors = LinearAlgebra.eigen(gram, count: basis.columns)?.vectors else { return nil }
        // Eigenvalues rise: the last vectors are the largest directions.
        var turn = Matrix(rows: basis.columns, columns: rank)
        var turned = turn.mutableElements
        for column in 0..<rank {
            let vector = (basis.columns - 1 - column) * basis.columns
            for row in 0..<basis.columns { turned[row * rank + column] = Float(vectors[vector + row]) }
        }
        left = Self.product(basis.view, turn.view)
        right = Self.product(turn.view.transposed, projected.view)
    }

    /// An orthonormal basis of the columns of a b, without those directions that are lost in rounding.
    private static func basis(of a: MatrixView, _ b: MatrixView) -> Matrix {
        // Once more: the first is orthonormal only as far as the product's condition lets it.
        orthonormal(orthonormal(product(a, b)))
    }

    /// b U w^(-1/2), where b^T b = U diag(w) U^T.
    private static func orthonormal(_ b: borrowing Matrix) -> Matrix {
        let n = b.columns
        let (values, vectors) = LinearAlgebra.eigen(gram(b.view), count: n) ?? ([], [])
        let least = (values.last ?? 0) * 1e-12
        let kept = values.indices.filter { values[$0] > least && values[$0] > 0 }
        var turn = Matrix(rows: n, columns: kept.count)
        var elements = turn.mutableElements
        for (column, index) in kept.enumerated() {
            for row in 0..<n { elements[row * kept.count + column] = Float(vectors[index * n + row] / values[index].squareRoot()) }
        }
        return product(b.view, turn.view)
    }

    private static func product(_ a: MatrixView, _ b: MatrixView) -> Matrix {
        var product = Matrix(rows: a.rows, columns: b.columns)
        guard product.count > 0 else { return product }
        var view = product.mutableView
        LinearAlgebra.multiply(a, b, into: &view)
        return product
    }

    /// m^T m in Double, both triangles.
    private static func gram(_ m: MatrixView) -> [Double] {
        let n = m.columns
        guard n > 0 else { return [] }
        var gram = [Double](repeating: 0, count: n * n)
        var panel: [Double] = []
        for start in stride(from: 0, to: m.rows, by: 1024) {
            panel.removeAll(keepingCapacity: true)
            for row in start..<min(start + 1024, m.rows) {
                for column in 0..<n { panel.append(Double(m.elements[m.isTransposed ? column * m.stride + row : row * m.stride + column])) }
            }
            LinearAlgebra.addGram(panel, columns: n, into: &gram)
        }
        for row in 0..<n { for column in 0..<row { gram[column * n + row] = gram[row * n + column] } }
        return gram
    }
}
