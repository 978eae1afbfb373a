internal import Tensors
internal import Transformer

/// An orthogonal basis for the gradients of a weight of p x q: those of rows' and columns' spaces, one vector a row. A side without
/// rows keeps its own axes.
package struct KroneckerBasis: ~Copyable {
    var left: Matrix  // p x p
    var right: Matrix  // q x q

    /// The vectors row by row, in Double.
    package var leftVectors: [Double] { (0..<left.count).map { Double(left.elements[$0]) } }
    package var rightVectors: [Double] { (0..<right.count).map { Double(right.elements[$0]) } }

    init(left: consuming Matrix, right: consuming Matrix) {
        self.left = left
        self.right = right
    }

    /// Calls `body` with a gradient's factors as they are in this basis.
    borrowing func express(_ factors: borrowing GradientFactors, _ body: (borrowing GradientFactors) throws -> Void) throws {
        try factors.withBasis(left: left.view, right: right.view, body)
    }

    /// A matrix (p x q) in this basis: left M right^T.
    borrowing func turned(_ matrix: borrowing Matrix) -> Matrix { Self.product(left.view, matrix.view, right.view.transposed) }

    /// What is in this basis in the parameter's own axes: left^T M right.
    borrowing func turnedBack(_ matrix: borrowing Matrix) -> Matrix { Self.product(left.view.transposed, matrix.view, right.view) }

    /// a M b, each of a and b left out where it has no rows.
    private static func product(_ a: MatrixView, _ matrix: MatrixView, _ b: MatrixView) -> Matrix {
        var half = Matrix(rows: matrix.rows, columns: matrix.columns)
        var view = half.mutableView
        if a.rows > 0 { LinearAlgebra.multiply(a, matrix, into: &view) } else { copy(matrix, into: &view) }
        guard b.rows > 0 else { return half }
        var result = Matrix(rows: matrix.rows, columns: matrix.columns)
        var all = result.mutableView
        LinearAlgebra.multiply(half.view, b, into: &all)
        return result
    }
}
