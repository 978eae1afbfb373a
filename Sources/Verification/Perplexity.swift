internal import Glibc
package import Storage
internal import Transformer

/// What a text costs a model, token by token, under a named protocol.
package struct Perplexity: Sendable {
    package let `protocol`: PerplexityProtocol
    package let prefix: Int32?
    package let records: Int
    /// Scored tokens.
    package let tokens: Int
    /// Summed loss, in nats.
    package let nll: Double
    /// UTF-8 bytes of what was scored; nil where the protocol does not score every token, or the records are token ids.
    package let bytes: Int?

    package var perplexity: Double { exp(nll / Double(tokens)) }
    package var bitsPerByte: Double? { bytes.map { nll / Double($0) / 0.6931471805599453 } }

    /// Measures `records` with `scorer`. `named` is what messages call the text.
    package init(
        of records: [TextRecord], named name: String, _ protocol: PerplexityProtocol, _ encoder: RecordEncoder, _ scorer: Scorer,
        progress: (Int, Int) -> Void
    ) throws {
        try encoder.check(records, named: name)
        var text = encoder.textEncoder()
        var examples: [Example] = []
        for record in records {
            let windows = try `protocol`.windows(record, encoder, &text)
            if !windows.isEmpty { examples.append(Example(windows: windows)) }
        }
        guard !examples.isEmpty else { throw VerificationError.tooShort(name) }
        let score = try scorer.score(examples, progress: progress)
        self.protocol = `protocol`
        prefix = encoder.prefix
        self.records = records.count
        tokens = score.tokens
        nll = score.nll
        // Without a prefix the first token of a record is not scored.
        bytes = `protocol`.scoresEveryToken && encoder.prefix != nil ? records.scoredBytes : nil
    }
}

extension TextRecord {
    /// What is scored of it; nil of token ids, and where only some tokens are.
    var scoredText: String? {
        switch self {
        case .text(let text), .completion(_, let text): text
        case .tokens, .part: nil
        }
    }
}

extension [TextRecord] {
    /// UTF-8 bytes of what is scored; nil where there are token ids among the records.
    var scoredBytes: Int? {
        let texts = compactMap(\.scoredText)
        return texts.count == count ? texts.reduce(0) { $0 + $1.utf8.count } : nil
    }
}
