internal import Storage

/// What a model writes where a record goes on.
package struct Completion: Sendable {
    package let truth: [Int32]
    package let written: [Int32]
    package let rouge: RougeL
    /// What was written, as text.
    package let text: String
    /// The base's loss on what was written, in nats a token; nil where nothing was. Gibberish is unlikely to a model that still has its wits.
    package var baseLoss: Double?

    package init(truth: [Int32], written: [Int32], text: String = "", rouge: RougeL) {
        (self.truth, self.written, self.text, self.rouge) = (truth, written, text, rouge)
    }

    /// Whether it begins as the record goes on, as far as both reach and no shorter than that.
    package var isExact: Bool { !truth.isEmpty && written.starts(with: truth) }

    /// The share of its runs of four tokens that it has written before; 0 of fewer than four tokens.
    package var repetition: Double {
        guard written.count >= 4 else { return 0 }
        let runs = (0...written.count - 4).map { Array(written[$0..<$0 + 4]) }
        return 1 - Double(Set(runs).count) / Double(runs.count)
    }
}

/// One text's completions in every model.
package struct TextCompletions: Sendable {
    package let name: String
    package let base: [Completion]
    package let edited: [Completion]
    package let retrained: [Completion]?

    var json: JSONValue {
        .members(["base": Self.json(base), "edited": Self.json(edited), "retrained": retrained.map(Self.json) ?? .null])
    }

    private static func json(_ completions: [Completion]) -> JSONValue {
        func mean(_ values: [Double]) -> JSONValue { .number(values.reduce(0, +) / Double(values.count)) }
        let members: [(name: String, value: JSONValue)] = [
            ("records", .integer(completions.count)), ("exact_match", .integer(completions.count(where: \.isExact))),
            ("rouge_l_recall", mean(completions.map(\.rouge.recall))), ("rouge_l_f1", mean(completions.map(\.rouge.f1))),
            ("repetition", mean(completions.map(\.repetition))), ("base_nll", mean(completions.compactMap(\.baseLoss))),
        ]
        return .object(JSONObject(members: members + WrittenText(completions).members))
    }
}

extension WrittenText {
    init(_ completions: [Completion]) { self.init(tokens: completions.map(\.written), texts: completions.map(\.text)) }
}
