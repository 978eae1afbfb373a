package import Checkpoints
internal import Glibc
internal import Tensors
internal import Transformer

/// Continues token sequences, all of them together, one token a sweep: to look at a model, not to serve it.
package struct Generator: Sendable {
    private let model: LanguageModel
    private let endTokens: Set<Int32>

    package init(_ model: LanguageModel) {
        self.model = model
        endTokens = Set(model.configuration.endTokens.compactMap { Int32(exactly: $0) })
    }

    /// Up to `count` tokens after each prompt, until an end token or the context's end.
    ///
    /// - Parameter temperature: 0 takes the likeliest token; otherwise tokens are drawn from softmax(logits / temperature).
    package func continuations(of prompts: [[Int32]], count: Int, temperature: Double, seed: UInt64) throws -> [[Int32]] {
        var results = [[Int32]](repeating: [], count: prompts.count)
        var active = prompts.indices.filter { !prompts[$0].isEmpty && prompts[$0].count < model.configuration.contextLength }
        var random = SplitMix64(seed: seed)
        for _ in 0..<count where !active.isEmpty {
            let next = try nextTokens(after: active.map { prompts[$0] + results[$0] }, temperature, &random)
            for (index, token) in zip(active, next) { results[index].append(token) }
            active = active.filter { index in
                !endTokens.contains(results[index].last ?? -1)
                    && prompts[index].count + results[index].count < model.configuration.contextLength
            }
        }
        return results.map { tokens in tokens.last.map(endTokens.contains) == true ? Array(tokens.dropLast()) : tokens }
    }

    private func nextTokens(after sequences: [[Int32]], _ temperature: Double, _ random: inout SplitMix64) throws -> [Int32] {
        // Only the last row of each sequence is asked for; its target is a stand-in.
        let batch = TokenBatch(
            sequences.map { tokens in
                Example(windows: [Window(inputs: tokens, targets: tokens.indices.map { $0 == tokens.count - 1 ? 0 : Window.unscored })])
            })
        var sweep = try LayerSweep(model, batch, plan: .forward)
        let rows = try sweep.scoredRows(from: model.checkpoint)
        var tokens: [Int32] = []
        try DecoderHead(model, from: model.checkpoint).logits(of: rows) { range, tile in
            for row in 0..<range.count { tokens.append(Self.choose(tile.view.row(row), temperature, &random)) }
        }
        return tokens
    }

    private static func choose(_ logits: Span<Float>, _ temperature: Double, _ random: inout SplitMix64) -> Int32 {
        var best = 0
        for index in logits.indices where logits[index] > logits[best] { best = index }
        guard temperature > 0 else { return Int32(best) }
        var weights: [Double] = []
        for index in logits.indices { weights.append(exp(Double(logits[index] - logits[best]) / temperature)) }
        var left = Double.random(in: 0..<1, using: &random) * weights.reduce(0, +)
        for (index, weight) in weights.enumerated() {
            left -= weight
            if left < 0 { return Int32(index) }
        }
        return Int32(best)
    }
}
