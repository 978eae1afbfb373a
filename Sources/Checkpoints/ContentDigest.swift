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
            // The tensors of a safetensors file follow its header without a gap, in the order that they have here.
            var whole = SHA256Hasher()
            if let header = shard.safetensors { whole.update(header.bytes.span) }
            for tensor in shard.tensors {
                let content = try Self.digest(of: shard.file, from: tensor.offset, count: tensor.byteCount, also: &whole)
                leaves.append((tensor.name, Self.leaf(tensor.description, content)))
            }
            let digest = whole.finish()
            files.append(shard.safetensors == nil ? try shard.file.sha256() : digest)
        }
        self.files = files
        content = Self.root(of: leaves)
    }

    private static func digest(
        of file: InputFile, from start: Int, count: Int, also whole: inout SHA256Hasher
    ) throws(StorageError) -> SHA256Digest {
        var hasher = SHA256Hasher()
        try file.forEachPiece(from: start, count: count) { piece in
            hasher.update(piece)
            whole.update(piece)
        }
        return hasher.finish()
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

extension Checkpoint {
    /// The Merkle root over the tensors, as `CheckpointDigests` defines it.
    package func contentDigest() throws(StorageError) -> SHA256Digest { try CheckpointDigests(of: self).content }
}
