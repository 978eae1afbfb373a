internal import Glibc
internal import Checkpoints
package import Tensors

/// What two models make of the same scored tokens, token by token.
package struct DistributionComparison: Sendable {
    package var base = TokenScores()
    package var edited = TokenScores()
    /// KL(base || edited) of the next-token distributions, in nats.
    package var divergences: [Float] = []
    /// Whether both have the same likeliest token.
    package var agreements: [Bool] = []

    /// Compares two heads' logits for their last layers' outputs (n x C each). Both must have the same vocabulary.
    package init(
        _ base: borrowing DecoderHead, _ baseRows: borrowing Matrix, _ edited: borrowing DecoderHead, _ editedRows: borrowing Matrix,
        targets: [Int32]
    ) {
        var results = Matrix(rows: baseRows.rows, columns: 6)
        base.logits(of: baseRows) { range, baseTile in
            var part = Matrix(rows: range.count, columns: editedRows.columns)
            copy(editedRows, range, into: &part, 0..<range.count)
            var rows = results.mutableRows(range)
            let first = baseTile.view
            // The tiles are cut alike, so the other head gives exactly this range.
            edited.logits(of: part) { _, editedTile in
                Self.compare(first, editedTile.view, targets: targets.span.extracting(range), into: &rows)
            }
        }
        for row in 0..<results.rows {
            let values = results.view.row(row)
            self.base.losses.append(values[0])
            self.base.isArgmax.append(values[1] == 1)
            self.edited.losses.append(values[2])
            self.edited.isArgmax.append(values[3] == 1)
            divergences.append(values[4])
            agreements.append(values[5] == 1)
        }
    }

    package init() {}

    package mutating func append(_ other: DistributionComparison) {
        base.losses += other.base.losses
        base.isArgmax += other.base.isArgmax
        edited.losses += other.edited.losses
        edited.isArgmax += other.edited.isArgmax
        divergences += other.divergences
        agreements += other.agreements
    }

    /// Row by row: loss and is-argmax of the base, of the edited, the divergence, whether the likeliest tokens agree.
    private static func compare(_ base: MatrixView, _ edited: MatrixView, targets: Span<Int32>, into results: inout MutableMatrixView) {
        RowParallel.rows(of: &results, perBlock: 1) { range, results in
            let (p, q, target) = (base.row(range.lowerBound), edited.row(range.lowerBound), Int(targets[range.lowerBound]))
            let (pMost, qMost) = (p.maximum(), q.maximum())
            var (pSum, qSum, cross) = (0.0, 0.0, 0.0)
            for column in p.indices {
                let weight = Double(exponential(p[column] - pMost))
                pSum += weight
                qSum += Double(exponential(q[column] - qMost))
                cross += weight * Double((p[column] - pMost) - (q[column] - qMost))
            }
            let (pLog, qLog) = (log(pSum), log(qSum))
            let (pBest, qBest) = (p.indexOfMaximum(), q.indexOfMaximum())
            var row = results.row(0)
            row[0] = Float(pLog - Double(p[target] - pMost))
            row[1] = pBest == target ? 1 : 0
            row[2] = Float(qLog - Double(q[target] - qMost))
            row[3] = qBest == target ? 1 : 0
            // Rounding can leave a tiny negative number where the distributions are the same.
            row[4] = Float(max(0, cross / pSum - pLog + qLog))
            row[5] = pBest == qBest ? 1 : 0
        }
    }
}
