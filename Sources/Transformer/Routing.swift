package import Tensors

/// Which experts a token goes to, and with which weights. N: tokens.
///
///     p = softmax(logits)          over all experts, or where weights are normalised over the chosen ones
///     w = p at the k chosen experts, those of the largest logits; 0 at the others
///
/// The softmax over the chosen experts is that over all, divided by its sum over the chosen ones.
package enum Routing {
    private static let rowsPerBlock = 64

    /// Logits (N x experts) become p; `weights` (N x experts) receives w. Of equal logits the first is chosen.
    package static func forward(
        _ k: Int, isNormalized: Bool, _ probabilities: inout MutableMatrixView, weights: inout MutableMatrixView
    ) {
        let count = probabilities.rows
        RowParallel.forEach((count + rowsPerBlock - 1) / rowsPerBlock, writing: &probabilities, &weights) { block, probabilities, weights in
            let range = block * rowsPerBlock..<min(count, (block + 1) * rowsPerBlock)
            var rows = probabilities.tile(rows: range, columns: 0..<probabilities.columns)
            var chosen = weights.tile(rows: range, columns: 0..<weights.columns)
            for row in 0..<range.count {
                var values = rows.row(row)
                var marks = chosen.row(row)
                choose(k, values.span, into: &marks)
                var largest = -Float.infinity
                for expert in values.indices where marks[expert] != 0 { largest = max(largest, values[expert]) }
                var sum: Float = 0
                for expert in values.indices {
                    values[expert] = isNormalized && marks[expert] == 0 ? 0 : exponential(values[expert] - largest)
                    sum += values[expert]
                }
                for expert in values.indices {
                    values[expert] /= sum
                    marks[expert] *= values[expert]
                }
            }
        }
    }

    /// d(loss)/d(logits) in place of d(loss)/dw (N x experts, 0 where w is): p (dw - sum(w dw)).
    package static func backward(probabilities: MatrixView, weights: MatrixView, _ gradient: inout MutableMatrixView) {
        RowParallel.rows(of: &gradient, perBlock: rowsPerBlock) { range, gradient in
            for row in range {
                var values = gradient.row(row - range.lowerBound)
                let mean = weights.row(row).dot(values.span)
                let probabilities = probabilities.row(row)
                for expert in values.indices { values[expert] = probabilities[expert] * (values[expert] - mean) }
            }
        }
    }

    /// 1 at the k largest, 0 at the others.
    private static func choose(_ k: Int, _ logits: Span<Float>, into marks: inout MutableSpan<Float>) {
        marks.update(repeating: 0)
        for _ in 0..<k {
            var best = -1
            for expert in logits.indices where marks[expert] == 0 && (best < 0 || logits[expert] > logits[best]) { best = expert }
            marks[best] = 1
        }
    }
}
