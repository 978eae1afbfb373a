internal import Storage
internal import SystemPackage
internal import Tensors

/// Two thin matrices whose product is near a change: left (rows x rank, its columns orthonormal) times right (rank x columns).
///
/// Found by a seeded random projection (Halko, Martinsson and Tropp, SIAM Review 53, 2011, algorithm 5.1).
struct LowRankFactors: ~Copyable {
    let left: Matrix
    let right: Matrix

    /// Of the change of a tensor of that name. Nil where LAPACK does not converge, or the change's rank is less.
    init?(of change: borrowing Matrix, rank: Int, name: String) {
        let basis = RangeFinder.basis(of: change.view, count: rank, seed: 0, name: name)
        let projected = Self.product(basis.view.transposed, change.view)
        let gram = GramSpectrum.gram(projected.view.transposed)
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

    private static func product(_ a: MatrixView, _ b: MatrixView) -> Matrix {
        var product = Matrix(rows: a.rows, columns: b.columns)
        guard product.count > 0 else { return product }
        var view = product.mutableView
        LinearAlgebra.multiply(a, b, into: &view)
        return product
    }
}
