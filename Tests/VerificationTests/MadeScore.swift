import Checkpoints
import TestSupport
import Testing
import Transformer
import Verification

/// Scores of made-up texts: what a model really scored, with other numbers put in.
enum MadeScore {
    private static let template: TextScore? = {
        guard let model = try? Fixture.model("llama-bf16") else { return nil }
        return try? Scorer(model, from: model.checkpoint).score([Example(windows: [Window(inputs: [1], targets: [2])])])
    }()

    static func text(_ records: [(tokens: Int, nll: Double, greedyMatches: Int)]) throws -> TextScore {
        var text = try #require(template)
        var record = try #require(text.records.first)
        record.losses = []
        text.records = records.map {
            (record.tokens, record.nll, record.greedyMatches) = $0
            return record
        }
        return text
    }
}
