internal import Tensors

/// The largest singular values of a matrix by a seeded random projection (Halko, Martinsson and Tropp, SIAM Review 53, 2011, algorithm
/// 5.1): relative errors of about 1e-4 where the spectrum is flat, far less where it falls.
enum RandomizedSVD {
    /// The `count` largest, falling; fewer where the rank is less; nil where it is 0 or LAPACK does not converge. The same for the
    /// same seed and name.
    static func singularValues(_ matrix: MatrixView, count: Int, seed: UInt64, name: String) -> [Double]? {
        let left = RangeFinder.basis(of: matrix, count: count, seed: seed, name: name)
        guard left.columns > 0 else { return nil }
        var projected = Matrix(rows: matrix.columns, columns: left.columns)
        var target = projected.mutableView
        LinearAlgebra.multiply(matrix.transposed, left.view, into: &target)
        return GramSpectrum.singularValues(projected.view).map { Array($0.prefix(count)) }
    }
}
