package import Tensors

extension GradientFactors {
    /// Adds left^T left (R x R) and right^T right (C x C), sums over the tokens of all examples, to each that has rows; their lower
    /// triangles count. Of products alone.
    package func addMoments(left leftSum: inout MutableMatrixView, right rightSum: inout MutableMatrixView) {
        precondition(isProduct)
        // Example by example: the bits do not depend on how many come together.
        for rows in exampleRows {
            if leftSum.rows > 0 { LinearAlgebra.addGram(left.rows(rows), into: &leftSum) }
            if rightSum.rows > 0 { LinearAlgebra.addGram(right.rows(rows), into: &rightSum) }
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
        var view = result.mutableView
        // Example by example: the bits do not depend on how many come together.
        let rows = exampleRows
        RowParallel.forEach(rows.count, writing: &view) { example, shared in
            var tile = shared.tile(rows: rows[example], columns: 0..<turn.rows)
            LinearAlgebra.multiplySerially(factor.rows(rows[example]), turn.transposed, into: &tile)
        }
        return result
    }
}
