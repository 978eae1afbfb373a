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
        var results = Matrix(rows: baseRows.rows, columns: 8)
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
        self.base = TokenScores(standardized: results, from: 0)
        self.edited = TokenScores(standardized: results, from: 3)
        let elements = results.elements
        divergences = (0..<results.rows).map { elements[$0 * 8 + 6] }
        agreements = (0..<results.rows).map { elements[$0 * 8 + 7] == 1 }
    }

    package init() {}

    /// Row by row: loss, is-argmax and standardised log-probability of the base, of the edited, the divergence, whether the likeliest
    /// tokens agree.
    private static func compare(_ base: MatrixView, _ edited: MatrixView, targets: Span<Int32>, into results: inout MutableMatrixView) {
        RowParallel.rows(of: &results, perBlock: 1) { range, results in
            let (p, q, target) = (base.row(range.lowerBound), edited.row(range.lowerBound), Int(targets[range.lowerBound]))
            let (pMoments, qMoments) = (NextTokenMoments(p), NextTokenMoments(q))
            let (pBest, qBest) = (p.indexOfMaximum(), q.indexOfMaximum())
            var row = results.row(0)
            row[0] = Float(pMoments.loss(p[target]))
            row[1] = pBest == target ? 1 : 0
            row[2] = Float(pMoments.standardized(p[target]))
            row[3] = Float(qMoments.loss(q[target]))
            row[4] = qBest == target ? 1 : 0
            row[5] = Float(qMoments.standardized(q[target]))
            row[6] = Float(NextTokenMoments.divergence(p, pMoments, q, qMoments))
            row[7] = pBest == qBest ? 1 : 0
        }
    }
}

extension DecoderHead {
    /// Scores rows (n x C) against their targets, standardised log-probabilities too.
    package borrowing func scoreStandardized(_ rows: borrowing Matrix, targets: [Int32]) -> TokenScores {
        var results = Matrix(rows: rows.rows, columns: 3)
        logits(of: rows) { range, tile in
            var part = results.mutableRows(range)
            let (logits, targets) = (tile.view, targets.span.extracting(range))
            RowParallel.rows(of: &part, perBlock: 1) { range, part in
                let (values, target) = (logits.row(range.lowerBound), Int(targets[range.lowerBound]))
                let moments = NextTokenMoments(values)
                var row = part.row(0)
                row[0] = Float(moments.loss(values[target]))
                row[1] = values[target] == moments.largest && values.indexOfMaximum() == target ? 1 : 0
                row[2] = Float(moments.standardized(values[target]))
            }
        }
        return TokenScores(standardized: results, from: 0)
    }
}

extension TokenScores {
    /// From three columns: loss, is-argmax, standardised log-probability.
    fileprivate init(standardized rows: borrowing Matrix, from column: Int) {
        let elements = rows.elements
        let starts = (0..<rows.rows).map { $0 * rows.columns + column }
        self.init(
            losses: starts.map { elements[$0] }, isArgmax: starts.map { elements[$0 + 1] == 1 },
            standardized: starts.map { elements[$0 + 2] })
    }
}
