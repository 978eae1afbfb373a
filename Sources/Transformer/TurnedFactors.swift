package import Tensors

extension GradientFactors {
    /// Adds left^T left (R x R) and right^T right (C x C), sums over the tokens of all examples, to each that has rows; their lower
    /// triangles count. Of products alone.
    package func addMoments(left leftSum: inout MutableMatrixView, right rightSum: inout MutableMatrixView) {
        precondition(isProduct)
        for group in groups {
            if leftSum.rows > 0 { LinearAlgebra.addGram(left.rows(group.rows), into: &leftSum) }
            if rightSum.rows > 0 { LinearAlgebra.addGram(right.rows(group.rows), into: &rightSum) }
        }
    }

    /// Calls `body` with the factors of the same gradients in another basis, u g v^T, u (R x R) and v (C x C), each left as it is
    /// where it has no rows. Of products alone.
    package func withBasis(left u: MatrixView, right v: MatrixView, _ body: (borrowing GradientFactors) throws -> Void) rethrows {
        precondition(isProduct)
        let newLeft = turned(left, by: u)
        let newRight = turned(right, by: v)
        if u.rows > 0 && v.rows > 0 {
            try body(GradientFactors(left: newLeft.view, right: newRight.view, exampleRows: exampleRows))
        } else if u.rows > 0 {
            try body(GradientFactors(left: newLeft.view, right: right, exampleRows: exampleRows))
        } else if v.rows > 0 {
            try body(GradientFactors(left: left, right: newRight.view, exampleRows: exampleRows))
        } else {
            try body(self)
        }
    }

    /// Token rows times the transpose of `turn`; without rows where that has none.
    private func turned(_ factor: MatrixView, by turn: MatrixView) -> Matrix {
        guard turn.rows > 0 else { return Matrix(rows: 0, columns: 0) }
        var result = Matrix(rows: factor.rows, columns: turn.rows)
        for group in groups {
            var rows = result.mutableRows(group.rows)
            LinearAlgebra.multiply(factor.rows(group.rows), turn.transposed, into: &rows)
        }
        return result
    }
}
