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
                        ?? DifferenceSums.absent)))
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
