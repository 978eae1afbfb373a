package import Storage
internal import Checkpoints
internal import Tensors

extension CheckpointComparison {
    /// What a report says of it (Formats/Schemas/diff.schema.json).
    package var members: [(name: String, value: JSONValue)] {
        func count(_ status: TensorComparison.Status) -> JSONValue { .integer(tensors.count { $0.status == status }) }
        return [
            ("identical", .boolean(isIdentical)),
            ("counts", .members(["equal": count(.equal), "changed": count(.changed), "added": count(.added), "removed": count(.removed)])),
            ("layers", .array(layers.map(\.json))),
            ("kinds", .array(kinds.map(\.json))),
            ("tensors", .array(tensors.map(\.json))),
        ]
    }
}

extension TensorComparison {
    var json: JSONValue {
        var members: [(name: String, value: JSONValue)] = [
            ("name", .string(name)), ("status", .string(status.rawValue)),
            ("layer", place.layer.map(JSONValue.integer) ?? .null), ("kind", .string(place.kind)),
            ("dtype", Self.sides(before, after) { .string($0.dtype.rawValue) }),
            ("shape", Self.sides(before, after) { .array($0.shape.map(JSONValue.integer)) }),
            ("elements", .integer(elements)), ("changed_elements", changedElements.map(JSONValue.integer) ?? .null),
        ]
        switch status {
        case .equal: members += [("max_abs", 0.0), ("relative_l2", 0.0), ("cosine", 1.0)]
        case .changed, .added, .removed: members += sums?.members ?? DifferenceSums.absent
        }
        if let distribution { members.append(("distribution", distribution.json)) }
        if let spectra { members.append(("spectra", spectra.json)) }
        members.append(("remark", remark.map(JSONValue.string) ?? .null))
        return .object(JSONObject(members: members))
    }

    private static func sides(_ before: TensorDescription?, _ after: TensorDescription?, _ value: (TensorDescription) -> JSONValue)
        -> JSONValue
    {
        .members(["before": before.map(value) ?? .null, "after": after.map(value) ?? .null])
    }
}

extension GroupComparison {
    var json: JSONValue {
        .object(
            JSONObject(
                members: [("name", .string(name)), ("tensors", .integer(tensors)), ("different", .integer(different))]
                    + (sums.map { [("elements", .integer($0.elements)), ("changed_elements", .integer($0.changed))] + $0.measures }
                        ?? DifferenceSums.absent)
                    + (distribution.map { [("distribution", $0.json)] } ?? [])))
    }
}

extension DifferenceSums {
    fileprivate static let absent: [(name: String, value: JSONValue)] = [("max_abs", .null), ("relative_l2", .null), ("cosine", .null)]

    fileprivate var members: [(name: String, value: JSONValue)] {
        func sides(_ count: (NonFinite) -> Int) -> JSONValue {
            .members(["before": .integer(count(before)), "after": .integer(count(after))])
        }
        return [
            ("changed_share", .optional(changedShare)), ("max_ulps", ulps.map { .integer($0.largest) } ?? .null),
            ("mean_ulps", .optional(meanUlps)), ("nan", sides(\.nan)), ("infinite", sides(\.infinite)),
            ("compared_elements", .integer(compared)),
        ] + measures + [("norm_before", .number(beforeSquares.squareRoot())), ("norm_after", .number(afterSquares.squareRoot()))]
    }

    fileprivate var measures: [(name: String, value: JSONValue)] {
        [
            ("max_abs", .optional(maxAbs)), ("mean", .optional(mean)), ("mean_abs", .optional(meanAbs)), ("rms", .optional(rms)),
            ("relative_l2", .optional(relativeL2)), ("cosine", .optional(cosine)), ("cosine_distance", .optional(cosineDistance)),
        ]
    }
}

extension JSONValue {
    static func optional(_ number: Double?) -> JSONValue { number.map(JSONValue.number) ?? .null }
}

extension WeightDistribution {
    fileprivate var json: JSONValue {
        func side(_ moments: Moments, _ axis: Range<Double>?, _ shares: WeightHistogram.Shares?) -> JSONValue {
            .members([
                "mean": moments.count > 0 ? .number(moments.mean) : .null, "standard_deviation": .optional(moments.standardDeviation),
                "kurtosis": .optional(moments.kurtosis),
                "histogram": shares.flatMap { shares in
                    axis.map {
                        .members([
                            "from": .number($0.lowerBound), "to": .number($0.upperBound),
                            "shares": .array(shares.bins.map(JSONValue.number)),
                            "outside": .number(shares.outside),
                        ])
                    }
                } ?? .null,
            ])
        }
        return .members([
            "ks": .optional(kolmogorovSmirnov), "wasserstein": .optional(wasserstein), "resolution": .number(resolution),
            "before": side(before, histogram?.axis, histogram?.before), "after": side(after, histogram?.axis, histogram?.after),
            "difference": side(difference, histogram?.differenceAxis, histogram?.difference),
        ])
    }
}

extension TensorSpectra {
    fileprivate var json: JSONValue {
        .members([
            "difference": difference.map { spectrum in
                .members([
                    "singular_values": .array(spectrum.singularValues.map(JSONValue.number)), "side": .integer(spectrum.side),
                    "stable_rank": .optional(spectrum.stableRank), "effective_rank": .optional(spectrum.effectiveRank),
                    "kept_energy": .optional(spectrum.keptEnergy),
                ])
            } ?? .null,
            "tails": tails.map { .members(["before": Self.json($0.before), "after": Self.json($0.after)]) } ?? .null,
            "remark": remark.map(JSONValue.string) ?? .null,
        ])
    }

    private static func json(_ tail: PowerLawTail?) -> JSONValue {
        guard let tail else { return .null }
        return .members([
            "fitted": .boolean(tail.isFitted), "alpha": .number(tail.alpha), "start": .number(tail.start), "count": .integer(tail.count),
            "distance": .number(tail.distance), "goodness": .number(tail.goodness),
        ])
    }
}
