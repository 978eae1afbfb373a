internal import Checkpoints
internal import Storage
internal import SystemPackage
internal import Tensors

/// Reads a manifest out of a patch's metadata: whatever a stranger wrote there is refused by the name of the member that is wrong.
struct ManifestReader {
    private static let mostBytes = 1 << 60
    private let path: FilePath

    /// Throws `malformed`. That digests are right is for `Patch.verify` to find.
    static func read(_ text: String, of path: FilePath) throws -> PatchManifest {
        let reader = ManifestReader(path: path)
        let document: JSONValue
        do { document = try JSONValue(parsing: Array(text.utf8).span, depth: 64) } catch {
            throw reader.fault("its manifest", "is \(error.description)")
        }
        guard document["version"]?.integer == 1 else { throw reader.fault("its manifest's version", "is not 1, the one that is read here") }
        let manifest = PatchManifest(
            tool: try reader.text(document["tool"]?["version"], "tool.version"),
            tensors: try reader.list(document, "tensors").map(reader.tensor),
            unchanged: try reader.list(document, "unchanged").map { entry in
                (try reader.text(entry["name"], "unchanged[].name"), try reader.required(entry["leaf"], "unchanged[].leaf"))
            },
            metadata: try reader.list(document, "metadata").map { entry in
                MetadataChange(
                    name: try reader.text(entry["name"], "metadata[].name"), before: try reader.optionalText(entry, "before"),
                    after: try reader.optionalText(entry, "after"))
            },
            edits: HistoryChange(
                before: try reader.list(document["edits"] ?? .null, "before"), after: try reader.list(document["edits"] ?? .null, "after")))
        var names: Set<ByteName> = []
        for name in manifest.tensors.map(\.name) + manifest.unchanged.map(\.name) where !names.insert(ByteName(name)).inserted {
            throw reader.fault("tensor \(CheckpointError.quoted(name))", "is named twice in its manifest")
        }
        var bytes = 0
        for tensor in manifest.tensors {
            // Below this sizes can be added up, whatever is there beside.
            guard tensor.description.byteCount <= Self.mostBytes - bytes else {
                throw reader.fault("tensor \(CheckpointError.quoted(tensor.name)) in its manifest", "is larger than any file")
            }
            bytes += tensor.description.byteCount
        }
        for (member, side) in [("base", PatchManifest.Side.base), ("result", .result)] {
            let root: SHA256Digest = try reader.required(document[member]?["content_digest"], "\(member).content_digest")
            guard root == manifest.contentDigest(side) else {
                throw PatchError.damaged(path, reason: "its \(member).content_digest is not that of the tensors' digests in it")
            }
        }
        return manifest
    }

    private func fault(_ item: String, _ reason: String) -> PatchError { .malformed(path, item: item, reason: reason) }

    private func list(_ parent: JSONValue, _ name: String) throws -> [JSONValue] {
        guard let list = parent[name]?.array else { throw fault("its manifest's \(name)", "is missing, or no array") }
        return list
    }

    private func text(_ value: JSONValue?, _ name: String) throws -> String {
        guard let text = value?.string else { throw fault("its manifest's \(name)", "is missing, or no string") }
        return text
    }

    private func optionalText(_ entry: JSONValue, _ name: String) throws -> String? {
        guard let value = entry[name], !value.isNull else { return nil }
        return try text(value, "metadata[].\(name)")
    }

    private func required(_ value: JSONValue?, _ name: String) throws -> SHA256Digest {
        guard let digest = SHA256Digest(hexadecimal: try text(value, name)) else { throw fault("its manifest's \(name)", "is no SHA-256") }
        return digest
    }

    private func optional(_ entry: JSONValue, _ name: String) throws -> SHA256Digest? {
        guard let value = entry[name], !value.isNull else { return nil }
        return try required(value, "tensors[].\(name)")
    }

    private func tensor(_ entry: JSONValue) throws -> PatchedTensor {
        let name = try text(entry["name"], "tensors[].name")
        let item = "tensor \(CheckpointError.quoted(name)) in its manifest"
        let kind = try text(entry["kind"], "tensors[].kind")
        guard ["difference", "low-rank"].contains(kind) else { throw fault(item, "is of a kind that is not known here") }
        guard let dtype = DType(rawValue: try text(entry["dtype"], "tensors[].dtype")) else { throw fault(item, "has an unknown dtype") }
        let shape = try list(entry, "shape").compactMap(\.integer)
        guard shape.count == entry["shape"]?.array?.count, shape.count <= 64, let bits = Self.bits(dtype, shape), bits.isMultiple(of: 8)
        else { throw fault(item, "has a shape that no tensor has") }
        let (before, after) = (try optional(entry, "before"), try optional(entry, "after"))
        guard before != nil || after != nil else { throw fault(item, "is on neither side") }
        guard let words = entry["changed_words"]?.integer, words >= 0 else { throw fault(item, "has no number of changed_words") }
        let description = TensorDescription(name: name, dtype: dtype, shape: shape)
        var tensor = PatchedTensor(description: description, before: before, after: after, changedWords: words)
        guard kind == "low-rank" else { return tensor }
        guard let rank = entry["rank"]?.integer, let rows = shape.first, rank > 0, rank <= rows, shape.count > 1, bits > 0,
            dtype.isComputable, before != nil, after != nil, words > 0, let residual = entry["residual"]?.number
        else { throw fault(item, "is no change of low rank") }
        tensor.lowRank = PatchedTensor.LowRank(
            rank: rank, residual: residual, edited: try required(entry["edited"], "tensors[].edited"))
        return tensor
    }

    /// The bits of a tensor; nil where a dimension is negative or they are more than can be counted, whatever other dimension is 0.
    private static func bits(_ dtype: DType, _ shape: [Int]) -> Int? {
        var bits = dtype.bitWidth
        for dimension in shape {
            guard dimension >= 0 else { return nil }
            let (product, overflow) = bits.multipliedReportingOverflow(by: max(1, dimension))
            guard !overflow else { return nil }
            bits = product
        }
        return shape.contains(0) ? 0 : bits
    }
}
