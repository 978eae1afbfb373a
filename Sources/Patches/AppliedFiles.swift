internal import Checkpoints
internal import Storage
internal import SystemPackage
internal import Tensors

extension PatchApplication {
    /// The files that hold tensors: the checkpoint's own, or, where tensors come or go, its groups of tensors without the ones and with the
    /// others in the last.
    func layout() throws -> CheckpointLayout {
        let removed = steps.values.filter { $0.to == nil }.map { ByteName($0.tensor.name) }
        let added = patch.manifest.tensors.filter { steps[ByteName($0.name)]?.from == nil }
        guard removed.isEmpty && added.isEmpty else {
            let gone = Set(removed)
            var groups = checkpoint.shards.map { $0.tensors.map(\.description).filter { !gone.contains(ByteName($0.name)) } }
            groups[groups.count - 1] += added.map(\.description)
            return CheckpointLayout(groups, order: .preserve, metadata: changed(checkpoint.metadata))
        }
        return try CheckpointLayout(preserving: checkpoint, edited: Set(steps.keys), metadata: changed)
    }

    /// Writes the checkpoint's other files, and the history of edits with the patch's own.
    ///
    /// - Parameter digest: of what was written.
    func writeCompanions(to staged: StagedDirectory, _ digest: SHA256Digest, tool: String) throws {
        for file in try checkpoint.files?.companions() ?? [] where file.name != EditHistory.fileName {
            switch file.contents {
            case .file(let source):
                let copy = try staged.create(file.name)
                try copy.write(contentsOf: source)
                try copy.finish()
            case .bytes(let bytes): try staged.write(file.name, bytes)
            }
        }
        let history = try self.history(digest, tool: tool)
        if !history.edits.isEmpty { try staged.write(EditHistory.fileName, history.bytes) }
    }

    private func changed(_ metadata: [(name: String, value: String)]) -> [(name: String, value: String)] {
        var metadata = metadata
        guard isExact else {
            metadata.removeAll { $0.name == EditHistory.metadataName }
            return metadata + [baseHistory.line(ofNext: Self.method, base: patch.manifest.contentDigest(.base))]
        }
        for change in patch.manifest.metadata {
            metadata.removeAll { $0.name.utf8.elementsEqual(change.name.utf8) }
            if let value = mode == .reverse ? change.before : change.after { metadata.append((change.name, value)) }
        }
        return metadata
    }

    /// Whether what is made is what the patch was made from, to the bit.
    private var isExact: Bool { scale == 1 && patch.manifest.isLossless }

    /// How much of the patch is applied.
    var scale: Double { if case .scaled(let scale) = mode { scale } else { 1 } }

    /// What the history calls an application of part of a patch, or of one that is not kept to the bit.
    private static let method = "patch"

    private var baseHistory: EditHistory { (try? checkpoint.files.map { try EditHistory(of: $0) }) ?? EditHistory(edits: []) }

    /// The checkpoint's history with the patch's edits at its end, or without them; where that is not exact, an entry that says so.
    private func history(_ digest: SHA256Digest, tool: String) throws -> EditHistory {
        var edits = try checkpoint.files.map { try EditHistory(of: $0).edits } ?? []
        let change = patch.manifest.edits
        guard isExact else {
            edits.append(
                .members([
                    "tool": .members(["name": "excise", "version": .string(tool)]), "method": .string(Self.method),
                    "patch_sha256": (patch.sha256?.description).map { .string($0) } ?? .null, "scale": .number(scale),
                    "edits": .array(change.after), "base_content_digest": .string(patch.manifest.contentDigest(.base).description),
                    "content_digest": .string(digest.description),
                ]))
            return EditHistory(edits: edits)
        }
        let (old, new) = mode == .reverse ? (change.after, change.before) : (change.before, change.after)
        let end = edits.suffix(old.count)
        if end.map({ $0.serialized() }) == old.map({ $0.serialized() }) { edits.removeLast(old.count) }
        return EditHistory(edits: edits + new)
    }
}

extension StagedDirectory {
    /// A file of it, whole.
    func write(_ name: String, _ bytes: [UInt8]) throws {
        let file = try create(name)
        try file.write(bytes)
        try file.finish()
    }
}
