package import Checkpoints
internal import Glibc
internal import Tensors
package import Transformer

/// What the base model and the edited one make of one text.
package struct TextComparison: Sendable {
    package let base: TextScore
    package let edited: TextScore
    /// Edited perplexity over base perplexity.
    package let ratio: Double
    /// 95 % interval of the ratio: percentiles of a paired bootstrap over records, seeded; nil for a single record.
    package let interval: (low: Double, high: Double)?

    package init(base: TextScore, edited: TextScore, seed: UInt64) {
        self.base = base
        self.edited = edited
        ratio = exp(edited.nllPerToken - base.nllPerToken)
        interval = PairedBootstrap(seed: seed).interval(
            tokens: base.records.map(\.tokens), differences: zip(base.records, edited.records).map { $1.nll - $0.nll })
    }
}

/// Two models side by side: losses on each text, and their next-token distributions on the retain text.
package struct Verifier: Sendable {
    private let base: LanguageModel
    private let edited: LanguageModel

    /// Throws `unlikeModels` where the two cannot be compared token by token.
    package init(base: LanguageModel, edited: LanguageModel) throws(VerificationError) {
        let (a, b) = (base.configuration, edited.configuration)
        guard a.vocabularySize == b.vocabularySize else {
            throw .unlikeModels("their vocabularies have \(a.vocabularySize) and \(b.vocabularySize) rows")
        }
        guard a.hiddenSize == b.hiddenSize else { throw .unlikeModels("their widths are \(a.hiddenSize) and \(b.hiddenSize)") }
        self.base = base
        self.edited = edited
    }

    /// Scores a text with both.
    package func compare(_ examples: [Example], seed: UInt64, progress: (Int, Int) -> Void) throws -> TextComparison {
        TextComparison(
            base: try Scorer(base, from: base.checkpoint).score(examples, progress: progress),
            edited: try Scorer(edited, from: edited.checkpoint).score(examples, progress: progress), seed: seed)
    }

    /// Scores a text with both and compares their distributions, token by token.
    package func compareDistributions(
        _ examples: [Example], seed: UInt64, progress: (Int, Int) -> Void
    ) throws -> (TextComparison, DistributionComparison) {
        var all = DistributionComparison()
        var scores = (
            base: [RecordScore](repeating: RecordScore(), count: examples.count),
            edited: [RecordScore](repeating: RecordScore(), count: examples.count)
        )
        let groups = WindowGroup.groups(of: examples)
        let total = groups.reduce(0) { $0 + $1.rows }
        var done = 0
        for group in groups {
            let batch = TokenBatch(group.windows.map { Example(windows: [$0]) })
            let rows = try lastLayer(base, batch)
            let otherRows = try lastLayer(edited, batch)
            let comparison = DistributionComparison(
                try DecoderHead(base, from: base.checkpoint), rows, try DecoderHead(edited, from: edited.checkpoint), otherRows,
                targets: batch.scoredTargets)
            for (range, record) in zip(batch.exampleScoredRows, group.records) {
                scores.base[record].add(comparison.base.losses[range], comparison.base.isArgmax[range])
                scores.edited[record].add(comparison.edited.losses[range], comparison.edited.isArgmax[range])
            }
            all.append(comparison)
            done += group.rows
            progress(done, total)
        }
        return (TextComparison(base: TextScore(records: scores.base), edited: TextScore(records: scores.edited), seed: seed), all)
    }

    private func lastLayer(_ model: LanguageModel, _ batch: TokenBatch) throws -> Matrix {
        var sweep = try LayerSweep(model, batch, plan: .forward)
        return try sweep.scoredRows(from: model.checkpoint)
    }
}
