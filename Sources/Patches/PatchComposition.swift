internal import Checkpoints
package import Storage
internal import SystemPackage
internal import Tensors

/// Two patches, the second of which begins where the first ends, made into one that leads all the way.
package struct PatchComposition {
    private let first: Patch
    private let second: Patch
    private let tool: String

    /// Checks both as a whole, and that they follow each other. Throws `damaged`, `lossy`, and `order` where the second's base is not the first's
    /// result.
    package init(_ first: Patch, _ second: Patch, tool: String) throws {
        try first.verify()
        try second.verify()
        try first.requireLossless()
        try second.requireLossless()
        guard first.manifest.contentDigest(.result) == second.manifest.contentDigest(.base) else {
            let isReversed = second.manifest.contentDigest(.result) == first.manifest.contentDigest(.base)
            throw PatchError.order(first: first.path, second: second.path, isReversed: isReversed)
        }
        (self.first, self.second, self.tool) = (first, second, tool)
    }

    /// Writes the patch, which is left for the caller to commit. A tensor that the second makes what it was before the first is no part of
    /// it. Throws `shape` where a tensor is removed and added again as another, and `malformed`.
    @discardableResult
    package func write(to output: AtomicFile) throws -> (PatchManifest, SHA256Digest) {
        var later: [ByteName: PatchedTensor] = [:]
        for tensor in second.manifest.tensors { later[ByteName(tensor.name)] = tensor }
        var writer = try PatchWriter(for: output)
        var tensors: [PatchedTensor] = []
        var touched: Set<ByteName> = []
        var restored: [(name: String, leaf: SHA256Digest)] = []
        for one in first.manifest.tensors {
            guard let other = later.removeValue(forKey: ByteName(one.name)) else {
                if let part = first.part(one) { try writer.append(one.name, contentsOf: part) }
                tensors.append(one)
                continue
            }
            let sum = try append(one, other, to: &writer)
            if let digest = sum.before, sum.before == sum.after {
                restored.append((sum.name, CheckpointDigests.leaf(sum.description, digest)))
            } else if sum.before != sum.after {
                tensors.append(sum)
            }
        }
        for other in second.manifest.tensors where later[ByteName(other.name)] != nil {
            if let part = second.part(other) { try writer.append(other.name, contentsOf: part) }
            tensors.append(other)
        }
        for tensor in first.manifest.tensors + second.manifest.tensors { touched.insert(ByteName(tensor.name)) }
        let manifest = PatchManifest(
            tool: tool, tensors: tensors,
            unchanged: first.manifest.unchanged.filter { !touched.contains(ByteName($0.name)) } + restored,
            metadata: metadata, edits: edits)
        return (manifest, try writer.finish(manifest, to: output))
    }

    /// Appends the sum of a tensor's differences: words add up modulo their range, and what is not there is zeros.
    private func append(_ one: PatchedTensor, _ other: PatchedTensor, to writer: inout PatchWriter) throws -> PatchedTensor {
        guard one.description == other.description else {
            throw PatchError.shape(name: one.name, before: one.description, after: other.description)
        }
        let (earlier, later) = (try first.difference(of: one), try second.difference(of: other))
        let blocks = DifferenceBlocks(of: one.description)
        let changed = try writer.append(one.description) { range in
            let zeros = [UInt8](repeating: 0, count: range.count)
            let run = blocks.blocks(in: range)
            let sum = try earlier?.blocks(of: run, from: zeros, negated: false).flatMap(\.self) ?? zeros
            let whole = try later?.blocks(of: run, from: sum, negated: false).flatMap(\.self) ?? sum
            return (zeros, whole)
        }
        guard one.before == nil || other.after == nil || (changed == 0) == (one.before == other.after) else {
            throw PatchError.malformed(
                second.path, item: "tensor \(CheckpointError.quoted(one.name))",
                reason: "does not go with \(first.path): their sum is another than their digests say")
        }
        return PatchedTensor(description: one.description, before: one.before, after: other.after, changedWords: changed)
    }

    private var metadata: [MetadataChange] {
        var changes = first.manifest.metadata
        for change in second.manifest.metadata {
            let index = changes.firstIndex { $0.name.utf8.elementsEqual(change.name.utf8) }
            let before = index.map { changes.remove(at: $0).before } ?? change.before
            if before != change.after { changes.append(MetadataChange(name: change.name, before: before, after: change.after)) }
        }
        return changes
    }

    /// The first's entries, and at their end the second's in place of those that it replaces.
    private var edits: HistoryChange {
        var (before, after) = (first.manifest.edits.before, first.manifest.edits.after)
        for replaced in second.manifest.edits.before.reversed() {
            // Of what is older than the first, both sides lose it.
            if after.isEmpty { before.insert(replaced, at: 0) } else { after.removeLast() }
        }
        return HistoryChange(before: before, after: after + second.manifest.edits.after).withoutCommonStart
    }
}
