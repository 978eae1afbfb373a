package import Storage
package import Transformer

/// What verification found, and whether it is enough.
package struct VerificationReport: Sendable {
    package let forget: TextComparison
    package let retain: TextComparison
    package let keep: TextComparison?
    package let holdout: TextComparison?
    package let distributions: DistributionComparison
    /// The gates, in the order given.
    package private(set) var gates: [GateResult] = []

    package var passed: Bool { gates.allSatisfy(\.passed) }

    /// What must hold where the user names no gate: forgotten down to what unseen text of the kind scores and no record
    /// recited, general text no more than 1 % worse, and every record that was to be kept and was recited still recited.
    package static func standardGates(keep: Bool, holdout: Bool) -> [String] {
        ["forget.edited.recited == 0", "retain.ratio <= 1.01"]
            + (holdout ? ["forget.edited.nll_per_token >= 0.9 * holdout.base.nll_per_token"] : ["forget.ratio > 1"])
            + (keep ? ["keep.edited.recited >= keep.base.recited"] : [])
    }

    /// Evaluates the gates over the figures. Throws `GateError` for a path that there is not.
    package init(
        forget: TextComparison, retain: TextComparison, keep: TextComparison?, holdout: TextComparison?,
        distributions: DistributionComparison, gates: [GateExpression]
    ) throws(GateError) {
        self.forget = forget
        self.retain = retain
        self.keep = keep
        self.holdout = holdout
        self.distributions = distributions
        let figures = JSONValue.object(JSONObject(members: figures))
        for gate in gates { self.gates.append(try gate.evaluate(on: figures)) }
    }

    /// The report's own members, in their order.
    package var members: [(name: String, value: JSONValue)] {
        figures + [
            (
                "gates",
                .array(
                    gates.map {
                        .members([
                            "expression": .string($0.expression), "value": $0.value.map(JSONValue.number) ?? .null,
                            "passed": .boolean($0.passed),
                        ])
                    })
            ),
            ("passed", .boolean(passed)),
        ]
    }

    private var figures: [(name: String, value: JSONValue)] {
        let sorted = distributions.divergences.sorted()
        let mean = sorted.reduce(0.0) { $0 + Double($1) } / Double(max(1, sorted.count))
        let agreement = Double(distributions.agreements.count { $0 }) / Double(max(1, distributions.agreements.count))
        var metrics: [(name: String, value: JSONValue)] = []
        if let holdout { metrics.append(("forget_over_holdout", .number(forget.edited.nllPerToken / holdout.base.nllPerToken))) }
        return [
            ("forget", Self.value(forget)), ("retain", Self.value(retain)), ("keep", keep.map(Self.value) ?? .null),
            ("holdout", holdout.map(Self.value) ?? .null),
            (
                "kl_divergence",
                .members([
                    "mean": .number(mean), "p99": .number(Double(sorted.isEmpty ? .nan : sorted[(sorted.count - 1) * 99 / 100])),
                    "max": .number(Double(sorted.last ?? .nan)),
                ])
            ),
            ("top1_agreement", .number(agreement)), ("metrics", .object(JSONObject(members: metrics))),
        ]
    }

    private static func value(_ comparison: TextComparison) -> JSONValue {
        .members([
            "base": value(comparison.base), "edited": value(comparison.edited), "ratio": .number(comparison.ratio),
            "ci95": .members([
                "low": comparison.interval.map { .number($0.low) } ?? .null, "high": comparison.interval.map { .number($0.high) } ?? .null,
            ]),
        ])
    }

    private static func value(_ score: TextScore) -> JSONValue {
        .members([
            "nll_per_token": .number(score.nllPerToken), "perplexity": .number(score.perplexity), "recited": .integer(score.recited),
            "records": .integer(score.records.count), "tokens": .integer(score.tokens),
        ])
    }
}
