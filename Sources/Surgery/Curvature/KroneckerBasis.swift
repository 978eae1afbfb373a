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

    /// Replaces a matrix M (p x q) by left M right^T: what it is in this basis.
    borrowing func turn(_ matrix: inout Matrix) { Self.multiply(left.view, &matrix, right.view.transposed) }

    /// Replaces what a matrix is in this basis by left^T M right: what it is in the parameter's own axes.
    borrowing func turnBack(_ matrix: inout Matrix) { Self.multiply(left.view.transposed, &matrix, right.view) }

    /// Replaces M by a M b, each of a and b left out where it has no rows.
    private static func multiply(_ a: MatrixView, _ matrix: inout Matrix, _ b: MatrixView) {
        var product = Matrix(rows: matrix.rows, columns: matrix.columns)
        if a.rows > 0 {
            var view = product.mutableView
            LinearAlgebra.multiply(a, matrix.view, into: &view)
            swap(&matrix, &product)
        }
        if b.rows > 0 {
            var view = product.mutableView
            LinearAlgebra.multiply(matrix.view, b, into: &view)
            swap(&matrix, &product)
        }
    }
}
