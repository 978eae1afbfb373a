package import Checkpoints
internal import Storage
internal import SystemPackage
internal import Tensors

extension Patch {
    /// Which side of the patch a checkpoint is. Reads all of it; throws `otherNames`, with the first tensor that is on neither side.
    package func side(of checkpoint: Checkpoint) throws -> PatchManifest.Side {
        let tensors = checkpoint.tensors
        let digests = RowParallel.map(tensors.count) { index in Result { try checkpoint.stored(tensors[index].name).sha256() } }
        var found: [ByteName: SHA256Digest] = [:]
        for (tensor, digest) in zip(tensors, digests) {
            found[ByteName(tensor.name)] = CheckpointDigests.leaf(tensor.description, try digest.get())
        }
        var strangers: [String] = []
        for side in [PatchManifest.Side.base, .result] {
            let leaves = manifest.leaves(side)
            let others = leaves.filter { found[ByteName($0.name)] != $0.leaf }.map(\.name)
            let known = Set(leaves.map { ByteName($0.name) })
            let more = tensors.map(\.name).filter { !known.contains(ByteName($0)) }
            if others.isEmpty && more.isEmpty { return side }
            // Of the side that fewer tensors speak against.
            if strangers.isEmpty || others.count + more.count < strangers.count { strangers = others + more }
        }
        throw PatchError.otherNames(
            checkpoint.path, name: strangers.min { $0.utf8.lexicographicallyPrecedes($1.utf8) } ?? "",
            reason: "and \(strangers.count - 1) more are neither as in the base nor as in the result of \(path)")
    }
}
