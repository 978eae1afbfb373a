package import Storage

/// What was measured.
package struct VerificationFindings: Sendable {
    package let forget: TextComparison
    package let retain: TextComparison
    package let keep: TextComparison?
    package let holdout: TextComparison?
    /// Further texts, by names of the user's.
    package let others: [(name: String, comparison: TextComparison)]
    /// Nil without a holdout text.
    package var membership: MembershipInference?
    package var exposures: CanaryExposures?
    package var truthRatios: TruthRatios?
    package var utility: ModelUtility?
    package var relearned: Relearned?
    package var onion: OnionEffect?
    package var extraction: ExtractionLikelihood?
    package var completions: [TextCompletions] = []
    package var tasks: [TaskResult] = []
    package var changes: TensorChanges?
    package var roundings: [RoundingLoss] = []
    /// Nil where the vocabulary is not known.
    package var vitalSign: VitalSign?

    package init(
        forget: TextComparison, retain: TextComparison, keep: TextComparison? = nil, holdout: TextComparison? = nil,
        others: [(name: String, comparison: TextComparison)] = []
    ) {
        self.forget = forget
        self.retain = retain
        self.keep = keep
        self.holdout = holdout
        self.others = others
    }

    /// The members of a report that a gate may name, in their order.
    package var members: [(name: String, value: JSONValue)] {
        let general = Dictionary(uniqueKeysWithValues: retain.divergence?.members ?? [])
        return [
            ("forget", forget.json), ("retain", retain.json), ("keep", keep?.json ?? .null), ("holdout", holdout?.json ?? .null),
            ("texts", .object(JSONObject(members: others.map { ($0.name, $0.comparison.json) }))),
            ("kl_divergence", general["kl_divergence"] ?? .null), ("top1_agreement", general["top1_agreement"] ?? .null),
            ("probability_change", general["probability_change"] ?? .null), ("metrics", .object(JSONObject(members: metrics))),
        ]
    }

    private var metrics: [(name: String, value: JSONValue)] {
        func object(_ members: [(name: String, value: JSONValue)]) -> JSONValue {
            members.isEmpty ? .null : .object(JSONObject(members: members))
        }
        let ratio = holdout.map { forget.edited.nllPerToken / $0.base.nllPerToken }
        var members: [(name: String, value: JSONValue)] = [
            ("forget_over_holdout", ratio.map(JSONValue.number) ?? .null), ("membership", membership?.json ?? .null),
            ("forget_quality", ForgetQuality(forget: forget, holdout: holdout).json), ("truth_ratio", truthRatios?.json ?? .null),
        ]
        members.append(("exposure", exposures?.json ?? .null))
        members.append(("model_utility", utility?.json ?? .null))
        members.append(("relearning", relearned?.json ?? .null))
        members.append(("onion", onion?.json ?? .null))
        members.append(("extraction_likelihood", extraction?.json ?? .null))
        members.append(("completions", object(completions.map { ($0.name, $0.json) })))
        members.append(("tasks", object(tasks.map { ($0.name, $0.json) })))
        members.append(("locality", changes?.json ?? .null))
        members.append(("vital_sign", vitalSign?.json ?? .null))
        return members + roundings.map { ($0.rounding.name, $0.json) }
    }
}
