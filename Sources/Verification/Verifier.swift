package import Checkpoints
internal import Tensors
package import Transformer

/// Two models side by side, each swept once for all texts.
package struct Verifier: Sendable {
    package let base: LanguageModel
    package let edited: LanguageModel
    /// One trained like the base, but without the forget text.
    package let retrained: LanguageModel?
    /// Any other of the same tokenizer, to tell how hard a record is by itself.
    package let reference: LanguageModel?
    /// How texts are swept.
    package var plan = ScoringPlan.standard

    /// Throws `unlikeModels` where they cannot be compared token by token.
    package init(
        base: LanguageModel, edited: LanguageModel, retrained: LanguageModel? = nil, reference: LanguageModel? = nil
    ) throws(VerificationError) {
        let (a, b) = (base.configuration, edited.configuration)
        for other in [b] + [retrained, reference].compactMap({ $0?.configuration }) where a.vocabularySize != other.vocabularySize {
            throw .unlikeModels("their vocabularies have \(a.vocabularySize) and \(other.vocabularySize) rows")
        }
        guard a.hiddenSize == b.hiddenSize else { throw .unlikeModels("their widths are \(a.hiddenSize) and \(b.hiddenSize)") }
        self.base = base
        self.edited = edited
        self.retrained = retrained
        self.reference = reference
    }

    /// What scores with one of them, from its checkpoint or other weights.
    package func scorer(_ model: LanguageModel, from source: (any WeightSource)? = nil) -> Scorer {
        Scorer(model, from: source ?? model.checkpoint, plan: plan)
    }

    /// Base, edited and, where there is one, retrained.
    package var models: [LanguageModel] { [base, edited] + (retrained.map { [$0] } ?? []) }

    /// Scores texts with both and compares their distributions, token by token.
    package func compare(_ texts: [[Example]], seed: UInt64, progress: (Int, Int) -> Void = { _, _ in }) throws -> [TextComparison] {
        var pairs = [RecordPair](repeating: RecordPair(), count: texts.reduce(0) { $0 + $1.count })
        let groups = WindowGroup.groups(of: texts.flatMap { $0 }, rows: plan.rows)
        let total = groups.reduce(0) { $0 + $1.rows }
        var done = 0
        for group in groups {
            let batch = group.batch
            let rows = try LayerSweep.scoredRows(base, batch, from: base.checkpoint)
            let otherRows = try LayerSweep.scoredRows(edited, batch, from: edited.checkpoint)
            let comparison = try DistributionComparison(
                base, rows, edited, otherRows, runs: batch.scoredRuns, targets: batch.scoredTargets)
            for (range, record) in zip(batch.exampleScoredRows, group.records) { pairs[record].add(comparison, range) }
            done += group.rows
            progress(done, total)
        }
        return texts.shares(of: pairs).map { Self.comparison($0, seed: seed) }
    }

    /// Scores texts with both models' weights as a release would round them.
    package func compare(
        _ texts: [[Example]], rounded rounding: IntegerRounding, seed: UInt64, progress: (Int, Int) -> Void = { _, _ in }
    ) throws -> [TextComparison] {
        let scores = try [base, edited].map { model in
            try scorer(model, from: RoundedWeights(model, rounding)).score(texts, progress: progress)
        }
        return zip(scores[0], scores[1]).map { TextComparison(base: $0, edited: $1, seed: seed) }
    }

    private static func comparison(_ pairs: ArraySlice<RecordPair>, seed: UInt64) -> TextComparison {
        let (base, edited) = (TextScore(records: pairs.map(\.base)), TextScore(records: pairs.map(\.edited)))
        let divergence = DistributionDivergence(
            divergences: pairs.map(\.divergences), agreements: pairs.map(\.agreements), base: base, edited: edited, seed: seed)
        return TextComparison(base: base, edited: edited, divergence: divergence, seed: seed)
    }
}

/// One record in both models.
private struct RecordPair {
    var base = RecordScore()
    var edited = RecordScore()
    var divergences: [Float] = []
    var agreements: [Bool] = []

    mutating func add(_ comparison: DistributionComparison, _ range: Range<Int>) {
        base.add(comparison.base, range)
        edited.add(comparison.edited, range)
        divergences += comparison.divergences[range]
        agreements += comparison.agreements[range]
    }
}
