package import Checkpoints
package import Tensors

/// What two models make of the same scored tokens, token by token.
package struct DistributionComparison: Sendable {
    package let base: TokenScores
    package let edited: TokenScores
    /// KL(base || edited) of the next-token distributions, in nats.
    package let divergences: [Float]
    /// Whether both have the same likeliest token.
    package let agreements: [Bool]

    /// Compares two models of the same vocabulary and width by their last layers' outputs (n x C each).
    ///
    /// - Parameter runs: rows that are computed together, by their places among all of them.
    package init(
        _ base: LanguageModel, _ baseRows: borrowing Matrix, _ edited: LanguageModel, _ editedRows: borrowing Matrix, runs: [Range<Int>],
        targets: [Int32]
    ) throws {
        var pairs = [Pair](repeating: Pair(), count: baseRows.rows)
        for tokens in VocabularySlices.ranges(base.configuration) {
            let head = try DecoderHead(base, from: base.checkpoint, vocabulary: tokens)
            let otherHead = try DecoderHead(edited, from: edited.checkpoint, vocabulary: tokens)
            for run in runs {
                head.logits(of: baseRows.rows(run)) { range, tile in
                    let (rows, first) = (range.shifted(by: run.lowerBound), tile.view)
                    // The tiles are cut alike, so the other head gives exactly these rows.
                    otherHead.logits(of: editedRows.rows(rows)) { _, otherTile in
                        let second = otherTile.view
                        let parts = RowParallel.map(rows.count) { row in
                            Pair(first.row(row), second.row(row), tokens, target: Int(targets[rows.lowerBound + row]))
                        }
                        for (row, part) in zip(rows, parts) { pairs[row].add(part) }
                    }
                }
            }
        }
        self.base = TokenScores(pairs.map(\.p), logits: pairs.map(\.pLogit), targets: targets)
        self.edited = TokenScores(pairs.map(\.q), logits: pairs.map(\.qLogit), targets: targets)
        divergences = pairs.map { Float($0.divergence.value($0.p, $0.q)) }
        agreements = pairs.map { $0.p.best == $0.q.best }
    }
}

/// Both distributions at one row, as far as the vocabulary has been read.
private struct Pair: Sendable {
    var p = NextTokenMoments()
    var q = NextTokenMoments()
    var divergence = NextTokenDivergence()
    /// The target's; not a number before its slice has come.
    var pLogit = Float.nan
    var qLogit = Float.nan

    init() {}

    init(_ p: Span<Float>, _ q: Span<Float>, _ tokens: Range<Int>, target: Int) {
        self.p = NextTokenMoments(p, from: tokens.lowerBound)
        self.q = NextTokenMoments(q, from: tokens.lowerBound)
        divergence = NextTokenDivergence(p, self.p, q, self.q)
        guard tokens.contains(target) else { return }
        (pLogit, qLogit) = (p[target - tokens.lowerBound], q[target - tokens.lowerBound])
    }

    mutating func add(_ other: Pair) {
        p.add(other.p)
        q.add(other.q)
        divergence.add(other.divergence)
        if !other.pLogit.isNaN { pLogit = other.pLogit }
        if !other.qLogit.isNaN { qLogit = other.qLogit }
    }
}
