package import Checkpoints
internal import Tensors
package import Transformer

/// Continues token sequences, all of them together, one token a sweep: to look at a model, not to serve it.
package struct Generator: Sendable {
    private let model: LanguageModel
    private let endTokens: Set<Int32>
    private let plan: ScoringPlan

    package init(_ model: LanguageModel, plan: ScoringPlan = .standard) {
        self.model = model
        self.plan = plan
        endTokens = Set(model.configuration.endTokens.compactMap { Int32(exactly: $0) })
    }

    /// Up to `count` tokens after each prompt, until an end token or the context's end.
    ///
    /// - Parameter temperature: 0 takes the likeliest token; otherwise tokens are drawn from softmax(logits / temperature), each sequence's by
    ///   a generator of its own.
    package func continuations(of prompts: [[Int32]], count: Int, temperature: Double, seed: UInt64) throws -> [[Int32]] {
        try continuations(of: prompts, counts: prompts.map { _ in count }, temperature: temperature, seed: seed)
    }

    /// Up to so many tokens after each prompt.
    package func continuations(of prompts: [[Int32]], counts: [Int], temperature: Double, seed: UInt64) throws -> [[Int32]] {
        var results = [[Int32]](repeating: [], count: prompts.count)
        var active = prompts.indices.filter {
            counts[$0] > 0 && !prompts[$0].isEmpty && prompts[$0].count < model.configuration.contextLength
        }
        var random = prompts.indices.map { SplitMix64(seed: seed &+ UInt64($0) &* 0x9E37_79B9_7F4A_7C15) }
        while !active.isEmpty {
            let draws = try draws(after: active.map { prompts[$0] + results[$0] }, temperature) { random[active[$0]].next() }
            for (index, draw) in zip(active, draws) { results[index].append(draw.token) }
            active = active.filter { index in
                results[index].count < counts[index] && !endTokens.contains(results[index].last ?? -1)
                    && prompts[index].count + results[index].count < model.configuration.contextLength
            }
        }
        return results.map { tokens in tokens.last.map(endTokens.contains) == true ? Array(tokens.dropLast()) : tokens }
    }

    /// A next token for each sequence; `random` gives a sequence's next number.
    private func draws(after sequences: [[Int32]], _ temperature: Double, _ random: (Int) -> UInt64) throws -> [TokenDraw] {
        // Only the last row of each sequence is asked for; its target is a stand-in.
        let examples = sequences.map { tokens in
            Example(windows: [Window(inputs: tokens, targets: tokens.indices.map { $0 == tokens.count - 1 ? 0 : Window.unscored })])
        }
        var draws = [TokenDraw](repeating: TokenDraw(temperature: temperature), count: sequences.count)
        for group in WindowGroup.groups(of: examples, rows: plan.rows) {
            let batch = group.batch
            let rows = try LayerSweep.scoredRows(model, batch, from: model.checkpoint)
            try VocabularySlices.forEach(model, from: model.checkpoint, rows, runs: batch.scoredRuns) { tokens, range, logits in
                for (place, row) in range.enumerated() {
                    let sequence = group.records[row]
                    draws[sequence].take(logits.row(place), from: Int32(tokens.lowerBound)) { random(sequence) }
                }
            }
        }
        return draws
    }
}
