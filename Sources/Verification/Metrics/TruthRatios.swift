internal import Glibc
internal import Storage

/// How much likelier false answers are than the true one in other words, in every model (Maini et al. 2024, TOFU).
///
///     R = (product over k false answers of p)^(1/k) / p(true),    p = exp(-mean loss a token)
package struct TruthRatios: Sendable {
    package let base: [Double]
    package let edited: [Double]
    package let retrained: [Double]?

    package init(base: [Double], edited: [Double], retrained: [Double]?) {
        (self.base, self.edited, self.retrained) = (base, edited, retrained)
    }

    /// R of one record, from the score of its paraphrase and of its false answers.
    package static func ratio(paraphrase: RecordScore, perturbed: some Collection<RecordScore>) -> Double {
        exp(paraphrase.meanLoss - perturbed.reduce(0) { $0 + $1.meanLoss } / Double(perturbed.count))
    }

    /// TOFU's forget quality: whether the edited model's ratios are spread like those of one that never saw the records; nil without one.
    package var forgetQuality: KolmogorovSmirnov? { retrained.map { KolmogorovSmirnov(edited, $0) } }

    var json: JSONValue {
        .members([
            "base": Self.json(base), "edited": Self.json(edited), "retrained": retrained.map(Self.json) ?? .null,
            "forget_quality": forgetQuality.map(\.json) ?? .null,
        ])
    }

    private static func json(_ ratios: [Double]) -> JSONValue {
        func mean(_ value: (Double) -> Double) -> JSONValue { .number(ratios.reduce(0) { $0 + value($1) } / Double(ratios.count)) }
        return .members([
            "mean": mean { $0 },
            // 1 where the model does not tell true from false; how well it does, of what it is to know.
            "forget_score": mean { min($0, 1 / $0) }, "utility_score": mean { max(0, 1 - $0) },
        ])
    }
}
