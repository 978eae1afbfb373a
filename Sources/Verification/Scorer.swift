package import Checkpoints
internal import Glibc
internal import Tensors
package import Transformer

/// A record's score: summed loss in nats, and what every scored token of it cost.
package struct RecordScore: Sendable {
    package var tokens = 0
    package var nll = 0.0
    package var greedyMatches = 0
    /// Each scored token's loss, in order.
    package var losses: [Float] = []
    /// Whether it is the likeliest token.
    package var isArgmax: [Bool] = []
    /// Its standardised log-probability (`TokenScores.standardized`).
    package var standardized: [Float] = []

    package init() {}

    /// Whether every scored token is the argmax.
    package var isRecited: Bool { tokens > 0 && greedyMatches == tokens }

    /// Mean loss, in nats a token.
    package var meanLoss: Double { nll / Double(tokens) }

    mutating func add(_ scores: TokenScores, _ range: Range<Int>) {
        tokens += range.count
        nll += scores.losses[range].reduce(0.0) { $0 + Double($1) }
        greedyMatches += scores.isArgmax[range].count { $0 }
        losses += scores.losses[range]
        isArgmax += scores.isArgmax[range]
        standardized += scores.standardized[range]
    }
}

/// Scores of a text: what every record's tokens cost the model.
package struct TextScore: Sendable {
    package var records: [RecordScore]

    package init(records: [RecordScore]) { self.records = records }

    package var tokens: Int { records.reduce(0) { $0 + $1.tokens } }
    package var nll: Double { records.reduce(0.0) { $0 + $1.nll } }
    package var nllPerToken: Double { nll / Double(tokens) }
    package var perplexity: Double { exp(nllPerToken) }
    /// The mean over records of each record's mean loss: what an edit's rounds measure.
    package var meanRecordLoss: Double { records.reduce(0.0) { $0 + $1.meanLoss } / Double(records.count) }
    package var recited: Int { records.count { $0.isRecited } }
}

/// Scores examples with one model, some windows at a time: a group's residual stream is what is held in memory.
package struct Scorer: Sendable {
    private let model: LanguageModel
    private let source: any WeightSource
    private let plan: ScoringPlan

    package init(_ model: LanguageModel, from source: any WeightSource, plan: ScoringPlan = .standard) {
        self.model = model
        self.source = source
        self.plan = plan
    }

    /// Several texts' scores, in one sweep of all of them.
    package func score(_ texts: [[Example]], progress: (Int, Int) -> Void = { _, _ in }) throws -> [TextScore] {
        let all = try score(texts.flatMap { $0 }, progress: progress)
        return texts.shares(of: all.records).map { TextScore(records: Array($0)) }
    }

    /// Every example's score. `progress` hears how many tokens of how many are done.
    package func score(_ examples: [Example], progress: (Int, Int) -> Void = { _, _ in }) throws -> TextScore {
        var records = [RecordScore](repeating: RecordScore(), count: examples.count)
        let groups = WindowGroup.groups(of: examples, rows: plan.rows)
        let total = groups.reduce(0) { $0 + $1.rows }
        var done = 0
        for group in groups {
            let batch = group.batch
            let rows = try LayerSweep.scoredRows(model, batch, from: source)
            let scores = try TokenScores(model, from: source, rows, runs: batch.scoredRuns, targets: batch.scoredTargets)
            for (range, record) in zip(batch.exampleScoredRows, group.records) { records[record].add(scores, range) }
            done += group.rows
            progress(done, total)
        }
        return TextScore(records: records)
    }
}

extension [[Example]] {
    /// What belongs to each text, of something that has one for each example of all of them.
    func shares<Share>(of elements: [Share]) -> [ArraySlice<Share>] {
        var start = 0
        return map { examples in
            defer { start += examples.count }
            return elements[start..<start + examples.count]
        }
    }
}
