package import Checkpoints
package import Storage
internal import SystemPackage
internal import Tensors

/// Makes the patch that leads from one checkpoint to another, whatever their containers, shards and order.
package struct PatchCreation {
    private let base: Checkpoint
    private let edited: Checkpoint
    private let tool: String
    private let rank: Int?

    /// - Parameters:
    ///   - tool: the version that makes it.
    ///   - rank: keep the change of a matrix as a product of matrices of this rank, where these are smaller than the matrix itself: then the
    ///     result is near `edited` and not the same, and cannot be taken back. The patch says so. Nil: all is kept to the bit.
    package init(from base: Checkpoint, to edited: Checkpoint, tool: String, rank: Int? = nil) {
        (self.base, self.edited, self.tool, self.rank) = (base, edited, tool, rank)
    }

    /// Files beside the tensors that differ, other than the edit history: a patch does not carry them.
    package func filesLeftOut() throws -> [String] {
        func files(_ checkpoint: Checkpoint) throws -> [ByteName: InputFile] {
            var files: [ByteName: InputFile] = [:]
            for name in checkpoint.files?.names ?? [] where !FileTree.holdsTensors(name) && name != EditHistory.fileName {
                files[ByteName(name)] = try checkpoint.files?.file(name)
            }
            return files
        }
        guard base.files != nil, edited.files != nil else { return [] }
        let (old, new) = (try files(base), try files(edited))
        return try Set(old.keys).union(new.keys).filter { name in
            guard let first = old[name], let second = new[name], first.size == second.size else { return true }
            return try first.sha256() != second.sha256()
        }.map(\.text).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// Writes the patch, which is left for the caller to commit, in one pass over both. Throws `shape` where a tensor has another dtype or
    /// shape on the other side, and what reading and writing throw.
    ///
    /// - Parameter progress: gets the bytes of tensors that have passed, and those there are.
    @discardableResult
    package func write(to output: AtomicFile, progress: (Int, Int) -> Void = { _, _ in }) throws -> (PatchManifest, SHA256Digest) {
        var pairs = base.tensors.map {
            (before: TensorDescription?.some($0.description), after: edited.tensor(named: $0.name)?.description)
        }
        pairs += edited.tensors.filter { base.tensor(named: $0.name) == nil }.map { (nil, $0.description) }
        for case (let before?, let after?) in pairs where before != after {
            throw PatchError.shape(name: before.name, before: before, after: after)
        }
        var writer = try PatchWriter(for: output)
        var tensors: [PatchedTensor] = []
        var unchanged: [(name: String, leaf: SHA256Digest)] = []
        let total = pairs.reduce(0) { $0 + (($1.before ?? $1.after)?.byteCount ?? 0) }
        var done = 0
        for (before, after) in pairs {
            guard let tensor = before ?? after else { continue }
            if let thin = try thinChange(of: tensor, &writer) {
                tensors.append(thin)
                done += tensor.byteCount
                progress(done, total)
                continue
            }
            let sides = (
                try before.map { PassingBytes(try base.stored($0.name)) } ?? PassingBytes(nil),
                try after.map { PassingBytes(try edited.stored($0.name)) } ?? PassingBytes(nil)
            )
            let changed = try writer.append(tensor) { range in
                try RowParallel.both({ try sides.0.pass(range) }, { try sides.1.pass(range) })
                progress(done + range.upperBound, total)
                return (sides.0.bytes, sides.1.bytes)
            }
            let (old, new) = (sides.0.digest(), sides.1.digest())
            if let old, changed == 0, new != nil {
                unchanged.append((tensor.name, CheckpointDigests.leaf(tensor, old)))
            } else {
                tensors.append(PatchedTensor(description: tensor, before: old, after: new, changedWords: changed))
            }
            done += tensor.byteCount
        }
        let manifest = PatchManifest(
            tool: tool, tensors: tensors, unchanged: unchanged, metadata: metadataChanges, edits: try historyChange())
        return (manifest, try writer.finish(manifest, to: output))
    }

    /// Appends a tensor's change as thin matrices, where it is to be kept so and can be; nil elsewhere.
    private func thinChange(of tensor: TensorDescription, _ writer: inout PatchWriter) throws -> PatchedTensor? {
        guard let rank, base.tensor(named: tensor.name) != nil, edited.tensor(named: tensor.name) != nil,
            let change = try LowRankChange(of: tensor, from: base.stored(tensor.name), to: edited.stored(tensor.name), rank: rank)
        else { return nil }
        var entry = PatchedTensor(description: tensor, before: change.before, after: change.after, changedWords: change.changedWords)
        entry.lowRank = PatchedTensor.LowRank(rank: rank, residual: change.residual, edited: change.edited)
        writer.append(entry, left: change.left, right: change.right)
        return entry
    }

    private var metadataChanges: [MetadataChange] {
        let (old, new) = (base.metadata, edited.metadata)
        func value(_ name: String, in metadata: [(name: String, value: String)]) -> String? {
            metadata.first { $0.name.utf8.elementsEqual(name.utf8) }?.value
        }
        let removed = old.filter { value($0.name, in: new) == nil }
        return (removed + new).compactMap { entry in
            let (before, after) = (value(entry.name, in: old), value(entry.name, in: new))
            return before.map { Array($0.utf8) } == after.map { Array($0.utf8) }
                ? nil : MetadataChange(name: entry.name, before: before, after: after)
        }
    }

    private func historyChange() throws -> HistoryChange {
        func edits(_ checkpoint: Checkpoint) throws -> [JSONValue] { try checkpoint.files.map { try EditHistory(of: $0).edits } ?? [] }
        return HistoryChange(before: try edits(base), after: try edits(edited)).withoutCommonStart
    }
}

extension HistoryChange {
    /// Without the entries that both begin with.
    var withoutCommonStart: HistoryChange {
        let common = zip(before, after).prefix { $0.serialized() == $1.serialized() }.count
        return HistoryChange(before: Array(before.dropFirst(common)), after: Array(after.dropFirst(common)))
    }
}
