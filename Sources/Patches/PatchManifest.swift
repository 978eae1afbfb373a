package import Checkpoints
package import Storage
internal import SystemPackage
internal import Tensors

/// A tensor that a patch changes, adds or removes.
package struct PatchedTensor: Sendable {
    package let description: TensorDescription
    /// SHA-256 of its bytes in the base; nil of one that is added.
    package let before: SHA256Digest?
    /// SHA-256 of its bytes in the result; nil of one that is removed.
    package let after: SHA256Digest?
    /// How many words differ (`WordDifference`); of an added or removed tensor, from zeros.
    package let changedWords: Int
    /// What is known of a change that is kept as a product of thin matrices; nil of one that is kept to the bit.
    package var lowRank: LowRank?

    package struct LowRank: Sendable {
        package let rank: Int
        /// |edited - result| / |edited - base|.
        package let residual: Double
        /// SHA-256 of the tensor's bytes as it was edited, which is not what the patch makes of it.
        package let edited: SHA256Digest
    }

    package var name: String { description.name }
    package var status: String { before == nil ? "added" : after == nil ? "removed" : "changed" }
}

/// An entry of `__metadata__` that differs; nil where there is none.
package struct MetadataChange: Sendable {
    package let name: String
    package let before: String?
    package let after: String?
}

/// Entries at the end of the edit history: those in place of which others stand in the result.
package struct HistoryChange: Sendable {
    package var before: [JSONValue]
    package var after: [JSONValue]
}

/// What a patch says of itself, in its metadata as JSON (Formats/Schemas/patch-manifest.schema.json).
package struct PatchManifest: Sendable {
    /// The version of Excise that wrote it.
    package let tool: String
    /// In the order of their bytes in the patch.
    package let tensors: [PatchedTensor]
    /// Tensors that stay as they are, and their leaves of the content digest.
    package let unchanged: [(name: String, leaf: SHA256Digest)]
    package let metadata: [MetadataChange]
    package let edits: HistoryChange

    package enum Side: Sendable {
        case base, result
        /// What the patch was made from: the result, but for what is kept as a product of thin matrices.
        case edited
    }

    /// Whether all of it is kept to the bit.
    package var isLossless: Bool { tensors.allSatisfy { $0.lowRank == nil } }

    /// The leaves of the content digest of one side.
    package func leaves(_ side: Side) -> [(name: String, leaf: SHA256Digest)] {
        unchanged
            + tensors.compactMap { tensor in
                (side == .base ? tensor.before : side == .edited ? tensor.lowRank?.edited ?? tensor.after : tensor.after).map {
                    (tensor.name, CheckpointDigests.leaf(tensor.description, $0))
                }
            }
    }

    package func contentDigest(_ side: Side) -> SHA256Digest { CheckpointDigests.root(of: leaves(side)) }

    package var json: JSONValue {
        func digest(_ digest: SHA256Digest?) -> JSONValue { digest.map { .string($0.description) } ?? .null }
        func text(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
        let edit = edits.after.isEmpty ? nil : SHA256Hasher.digest(of: Array(JSONValue.array(edits.after).serialized().utf8))
        return .members([
            "version": 1,
            "tool": .members(["name": "excise", "version": .string(tool)]),
            "base": .members(["content_digest": digest(contentDigest(.base))]),
            "result": .members(["content_digest": digest(contentDigest(.result))]),
            "recipe_sha256": digest(edit),
            "edits": .members(["before": .array(edits.before), "after": .array(edits.after)]),
            "metadata": .array(
                metadata.map { .members(["name": .string($0.name), "before": text($0.before), "after": text($0.after)]) }),
            "tensors": .array(tensors.map(\.json)),
            "unchanged": .array(unchanged.map { .members(["name": .string($0.name), "leaf": digest($0.leaf)]) }),
        ])
    }
}

extension PatchedTensor {
    fileprivate var json: JSONValue {
        func digest(_ digest: SHA256Digest?) -> JSONValue { digest.map { .string($0.description) } ?? .null }
        let members: [(name: String, value: JSONValue)] = [
            ("name", .string(name)), ("kind", lowRank == nil ? "difference" : "low-rank"), ("dtype", .string(description.dtype.rawValue)),
            ("shape", .array(description.shape.map(JSONValue.integer))), ("before", digest(before)), ("after", digest(after)),
            ("changed_words", .integer(changedWords)),
        ]
        let more = lowRank.map { [("edited", digest($0.edited)), ("rank", .integer($0.rank)), ("residual", .number($0.residual))] } ?? []
        return .object(JSONObject(members: members + more))
    }
}
