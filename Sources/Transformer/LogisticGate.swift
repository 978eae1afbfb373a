package import Tensors

/// Rows times a weight of their own, the logistic function of a logit: y = x s, s = 1 / (1 + e^-l). N: rows, F: columns.
package enum LogisticGate {
    private static let rowsPerBlock = 64

    /// Logits (N x 1) become s, x (N x F) becomes y.
    package static func forward(_ logits: inout MutableMatrixView, _ x: inout MutableMatrixView) {
        let count = x.rows
        RowParallel.forEach((count + rowsPerBlock - 1) / rowsPerBlock, writing: &logits, &x) { block, logits, x in
            let range = block * rowsPerBlock..<min(count, (block + 1) * rowsPerBlock)
            var weights = logits.tile(rows: range, columns: 0..<1)
            var rows = x.tile(rows: range, columns: 0..<x.columns)
            for row in 0..<range.count {
                var weight = weights.row(row)
                var values = rows.row(row)
                weight[0] = 1 / (1 + exponential(-weight[0]))
                for column in values.indices { values[column] *= weight[0] }
            }
        }
    }

    /// d(loss)/dx in place of d(loss)/dy (N x F), and d(loss)/dl (N x 1): dy . y (1 - s). Takes s and y.
    package static func backward(
        _ weights: MatrixView, _ y: MatrixView, _ gradient: inout MutableMatrixView, into logits: inout MutableMatrixView
    ) {
        let count = y.rows
        RowParallel.forEach((count + rowsPerBlock - 1) / rowsPerBlock, writing: &gradient, &logits) { block, gradient, logits in
            let range = block * rowsPerBlock..<min(count, (block + 1) * rowsPerBlock)
            var rows = gradient.tile(rows: range, columns: 0..<y.columns)
            var slopes = logits.tile(rows: range, columns: 0..<1)
            for row in 0..<range.count {
                let weight = weights.row(range.lowerBound + row)[0]
                var values = rows.row(row)
                var slope = slopes.row(row)
                slope[0] = values.span.dot(y.row(range.lowerBound + row)) * (1 - weight)
                for column in values.indices { values[column] *= weight }
            }
        }
    }
}
