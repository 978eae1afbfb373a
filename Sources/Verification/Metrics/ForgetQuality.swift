internal import Storage

/// Whether the edited model's losses on the forget text's records look like those of a model that never saw them, record by record: two-sample
/// tests after Maini et al. (TOFU, 2024), where a small probability says that they do not.
package struct ForgetQuality: Sendable {
    /// Beside a model trained without the forget text, on the same records; nil without one.
    package let retrained: KolmogorovSmirnov?
    /// Beside the unedited model's losses on unseen records of the kind (approximate retraining); nil without them.
    package let approximate: KolmogorovSmirnov?

    package init(forget: TextComparison, holdout: TextComparison?) {
        func losses(_ text: TextScore) -> [Double] { text.records.map(\.meanLoss) }
        retrained = forget.retrained.map { KolmogorovSmirnov(losses(forget.edited), losses($0)) }
        approximate = holdout.map { KolmogorovSmirnov(losses(forget.edited), losses($0.base)) }
    }

    var json: JSONValue {
        .members(["retrained": retrained.map(\.json) ?? .null, "approximate": approximate.map(\.json) ?? .null])
    }
}

extension KolmogorovSmirnov {
    var json: JSONValue { .members(["statistic": .number(statistic), "p_value": .number(probability)]) }
}
