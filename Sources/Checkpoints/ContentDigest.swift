package import Storage
internal import Tensors

/// The digests of a checkpoint, made in one pass over its bytes.
package struct CheckpointDigests: Sendable {
    /// The Merkle root over the tensors: the same whatever the container, the sharding or the order.
    ///
    /// A leaf is SHA-256 of 0x00, the name's length (u64 little-endian) and bytes, the dtype's name and a zero byte, the
    /// rank and dimensions (u64 each), and SHA-256 of the tensor's bytes. Leaves stand in the order of the names' bytes; an
    /// inner node is SHA-256 of 0x01 and its two children; a last node without a sibling moves up as it is. No tensor at
    /// all: SHA-256 of nothing.
    package let content: SHA256Digest
    /// SHA-256 of each shard's file, in the order of the shards.
    package let files: [SHA256Digest]

    package init(of checkpoint: Checkpoint) throws(StorageError) {
        var leaves: [(name: String, leaf: SHA256Digest)] = []
        var files: [SHA256Digest] = []
        for shard in checkpoint.shards {
            let digests = try ShardDigests(of: shard)
            leaves += digests.leaves
            files.append(digests.file)
        }
        self.files = files
        content = Self.root(of: leaves)
    }

    /// A tensor's leaf of the tree.
    ///
    /// - Parameter content: SHA-256 of its bytes.
    package static func leaf(_ tensor: TensorDescription, _ content: SHA256Digest) -> SHA256Digest {
        let name = Array(tensor.name.utf8)
        func word(_ value: Int) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
        let head = [0x00] + word(name.count) + name + Array(tensor.dtype.rawValue.utf8) + [0] + word(tensor.shape.count)
        return SHA256Hasher.digest(of: head + tensor.shape.flatMap(word) + content.bytes)
    }

    /// The root over leaves in any order.
    package static func root(of leaves: [(name: String, leaf: SHA256Digest)]) -> SHA256Digest {
        guard !leaves.isEmpty else { return SHA256Hasher.digest(of: []) }
        var level = leaves.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }.map(\.leaf)
        while level.count > 1 {
            level = stride(from: 0, to: level.count, by: 2).map { index in
                guard index + 1 < level.count else { return level[index] }
                return SHA256Hasher.digest(of: [0x01] + level[index].bytes + level[index + 1].bytes)
            }
        }
        return level[0]
    }
}

/// The digests of one file of a checkpoint, made in one pass over its bytes where it is a safetensors file.
package struct ShardDigests: Sendable {
    /// SHA-256 of the file.
    package let file: SHA256Digest
    /// Each tensor's leaf of the tree, in the order that they have in the shard.
    package let leaves: [(name: String, leaf: SHA256Digest)]

    /// - Parameter passed: gets the number of bytes of each tensor that was read.
    package init(of shard: Checkpoint.Shard, passed: (Int) -> Void = { _ in }) throws(StorageError) {
        var leaves: [(name: String, leaf: SHA256Digest)] = []
        // The tensors of a safetensors file follow its header without a gap, in the order that they have here.
        var whole = SHA256Hasher()
        if let header = shard.safetensors { whole.update(header.bytes.span) }
        for tensor in shard.tensors {
            var content = SHA256Hasher()
            try shard.file.forEachPiece(from: tensor.offset, count: tensor.byteCount) { piece in
                content.update(piece)
                whole.update(piece)
            }
            leaves.append((tensor.name, CheckpointDigests.leaf(tensor.description, content.finish())))
            passed(tensor.byteCount)
        }
        self.leaves = leaves
        let digest = whole.finish()
        file = shard.safetensors == nil ? try shard.file.sha256() : digest
    }
}

extension Checkpoint {
    /// The Merkle root over the tensors, as `CheckpointDigests` defines it.
    package func contentDigest() throws(StorageError) -> SHA256Digest { try CheckpointDigests(of: self).content }
}
