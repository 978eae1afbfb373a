package import Tensors

/// Next-token loss: -log softmax(logits)[target], in nats, and its gradient. V: the vocabulary's size.
package enum CrossEntropy {
    /// For every row of `logits` (n x V): its loss, the log of the sum of exponentials, and 1 where the target is the
    /// largest logit (the first of several), into `scores` (n x 3). Leaves the row's softmax, unscaled, in place of its
    /// logits: e^(logit - largest), and their sum is e^(log-sum - largest).
    package static func forward(_ logits: inout MutableMatrixView, targets: Span<Int32>, scores: inout MutableMatrixView) {
        RowParallel.forEach(logits.rows, writing: &logits, &scores) { row, logits, scores in
            var rows = logits.tile(rows: row..<row + 1, columns: 0..<logits.columns)
            var values = rows.row(0)
            let target = Int(targets[row])
            let wanted = values[target]
            let largest = values.span.maximum()
            let isArgmax = wanted == largest && values.span.indexOfMaximum() == target
            for column in values.indices { values[column] = exponential(values[column] - largest) }
            let logSum = largest + logarithm(values.span.sum())
            var cells = scores.tile(rows: row..<row + 1, columns: 0..<3)
            var score = cells.row(0)
            score[0] = logSum - wanted
            score[1] = logSum
            score[2] = isArgmax ? 1 : 0
        }
    }

    /// d(loss)/d(logits) times the row's weight, in place of what `forward` left.
    package static func backward(_ exponentials: inout MutableMatrixView, targets: Span<Int32>, weights: Span<Float>) {
        RowParallel.rows(of: &exponentials, perBlock: 1) { range, rows in
            let weight = weights[range.lowerBound]
            var values = rows.row(0)
            let scale = weight / values.span.sum()
            for column in values.indices { values[column] *= scale }
            values[Int(targets[range.lowerBound])] -= weight
        }
    }

    /// The same gradient for some columns of the logits (n x k, the columns from `first` on), given each row's log-sum.
    package static func backward(
        _ logits: inout MutableMatrixView, firstColumn first: Int, logSums: Span<Float>, targets: Span<Int32>, weights: Span<Float>
    ) {
        RowParallel.rows(of: &logits, perBlock: 1) { range, rows in
            let (weight, logSum) = (weights[range.lowerBound], logSums[range.lowerBound])
            var values = rows.row(0)
            for column in values.indices { values[column] = exponential(values[column] - logSum) * weight }
            let target = Int(targets[range.lowerBound]) - first
            if target >= 0 && target < values.count { values[target] -= weight }
        }
    }
}
