internal import Glibc
internal import Storage

/// What the base model and the edited one make of one text.
package struct TextComparison: Sendable {
    package let base: TextScore
    package let edited: TextScore
    /// What a model makes of it that never saw the forget text, where there is one.
    package var retrained: TextScore?
    /// UTF-8 bytes of what is scored; nil where that is not known.
    package var bytes: Int?
    /// How the next-token distributions differ, where they were compared.
    package let divergence: DistributionDivergence?
    /// Edited perplexity over base perplexity.
    package let ratio: Double
    /// 95 % interval of the ratio: percentiles of a paired bootstrap over records, seeded; nil for a single record.
    package let interval: ConfidenceInterval?

    package init(base: TextScore, edited: TextScore, divergence: DistributionDivergence? = nil, bytes: Int? = nil, seed: UInt64) {
        self.base = base
        self.edited = edited
        self.divergence = divergence
        self.bytes = bytes
        ratio = exp(edited.nllPerToken - base.nllPerToken)
        interval = PairedBootstrap(seed: seed).interval(
            tokens: base.records.map(\.tokens), values: zip(base.records, edited.records).map { $1.nll - $0.nll }
        ).map { ConfidenceInterval(low: exp($0.low), high: exp($0.high)) }
    }

    var json: JSONValue {
        var members: [(name: String, value: JSONValue)] = [("base", value(base)), ("edited", value(edited))]
        if let retrained { members.append(("retrained", value(retrained))) }
        members += [("ratio", .number(ratio)), ("ci95", ConfidenceInterval.json(interval))]
        return .object(JSONObject(members: members + (divergence?.members ?? [])))
    }

    private func value(_ score: TextScore) -> JSONValue {
        .members([
            "nll_per_token": .number(score.nllPerToken), "perplexity": .number(score.perplexity),
            "bits_per_byte": bytes.map { .number(score.nll / Double($0) / M_LN2) } ?? .null, "recited": .integer(score.recited),
            "records": .integer(score.records.count), "tokens": .integer(score.tokens),
            "exact_memorization": .number(score.exactMemorization), "extraction_strength": .number(score.extractionStrength),
        ])
    }
}

extension ConfidenceInterval {
    static func json(_ interval: ConfidenceInterval?) -> JSONValue {
        .members(["low": interval.map { .number($0.low) } ?? .null, "high": interval.map { .number($0.high) } ?? .null])
    }
}
