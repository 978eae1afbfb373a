internal import Storage

/// Whether the forget text's records can be told from unseen ones of their kind, by every attack and in every model.
package struct MembershipInference: Sendable {
    /// What one attack achieves in one model.
    package struct Result: Sendable {
        package let area: AreaUnderCurve

        var json: JSONValue {
            .members([
                "auc": .number(area.value), "ci95": ConfidenceInterval.json(area.interval),
                "tpr_at_fpr_1": .number(area.truePositiveRate(atFalsePositiveRate: 0.01)),
                "tpr_at_fpr_5": .number(area.truePositiveRate(atFalsePositiveRate: 0.05)),
            ])
        }
    }

    package enum Side: String, Sendable, CaseIterable { case base, edited, retrained }

    private let results: [MembershipAttack: [Side: Result]]

    /// - Parameter references: another model's scores of members and others, where there is one.
    package init(
        members: TextComparison, memberSizes: [Int?], others: TextComparison, otherSizes: [Int?],
        references: (members: TextScore, others: TextScore)?
    ) {
        func scores(_ attack: MembershipAttack, _ text: TextScore, _ sizes: [Int?], _ reference: TextScore?) -> [Double]? {
            let values = text.records.indices.compactMap { index in
                attack.score(text.records[index], compressedSize: sizes[index], reference: reference?.records[index])
            }
            return values.count == text.records.count ? values : nil
        }
        var results: [MembershipAttack: [Side: Result]] = [:]
        for attack in MembershipAttack.allCases {
            for side in Side.allCases {
                guard let (member, other) = side.scores(members, others),
                    let found = scores(attack, member, memberSizes, references?.members),
                    let unseen = scores(attack, other, otherSizes, references?.others)
                else { continue }
                results[attack, default: [:]][side] = Result(area: AreaUnderCurve(members: found, others: unseen))
            }
        }
        self.results = results
    }

    /// Nil where what the attack needs is not there.
    package func area(_ attack: MembershipAttack, _ side: Side) -> AreaUnderCurve? { results[attack]?[side]?.area }

    /// MUSE's privacy leakage in per cent: (A - A') / A', A the probability that Min-40% takes an unseen record for likelier than a forgotten
    /// one, A' the same in a model that never saw it, or, without one, 1/2. Below 0: not forgotten; above: pushed beyond what is natural.
    package var privacyLeakage: (retrained: Double?, approximate: Double?) {
        guard let edited = area(.minK40, .edited) else { return (nil, nil) }
        func leakage(_ natural: Double) -> Double { 100 * ((1 - edited.value) - natural) / natural }
        return (area(.minK40, .retrained).map { leakage(1 - $0.value) }, leakage(0.5))
    }

    var json: JSONValue {
        let leakage = privacyLeakage
        let attacks = MembershipAttack.allCases.map { attack -> (name: String, value: JSONValue) in
            guard let sides = results[attack] else { return (attack.rawValue, .null) }
            return (attack.rawValue, .object(JSONObject(members: Side.allCases.map { ($0.rawValue, sides[$0]?.json ?? .null) })))
        }
        return .object(
            JSONObject(
                members: attacks + [
                    (
                        "privleak",
                        .members([
                            "retrained": leakage.retrained.map(JSONValue.number) ?? .null,
                            "approximate": leakage.approximate.map(JSONValue.number) ?? .null,
                        ])
                    )
                ]))
    }
}

extension MembershipInference.Side {
    fileprivate func scores(_ members: TextComparison, _ others: TextComparison) -> (TextScore, TextScore)? {
        switch self {
        case .base: return (members.base, others.base)
        case .edited: return (members.edited, others.edited)
        case .retrained:
            guard let member = members.retrained, let other = others.retrained else { return nil }
            return (member, other)
        }
    }
}
