package import Storage
internal import Tensors

extension Checkpoint {
    /// The Merkle root over the tensors: the same whatever the container, the sharding or the order.
    ///
    /// A leaf is SHA-256 of 0x00, the name's length (u64 little-endian) and bytes, the dtype's name and a zero byte, the
    /// rank and dimensions (u64 each), and SHA-256 of the tensor's bytes. Leaves stand in the order of the names' bytes; an
    /// inner node is SHA-256 of 0x01 and its two children; a last node without a sibling moves up as it is. No tensor at
    /// all: SHA-256 of nothing.
    package func contentDigest() throws(StorageError) -> SHA256Digest {
        let ordered = shards.flatMap { shard in shard.header.tensors.map { (file: shard.file, tensor: $0) } }
            .sorted { $0.tensor.name.utf8.lexicographicallyPrecedes($1.tensor.name.utf8) }
        var level: [SHA256Digest] = []
        for (file, tensor) in ordered { level.append(try Self.leaf(tensor, in: file)) }
        guard !level.isEmpty else { return SHA256Hasher().finish() }
        while level.count > 1 {
            level = stride(from: 0, to: level.count, by: 2).map { index in
                guard index + 1 < level.count else { return level[index] }
                var hasher = SHA256Hasher()
                let children = [0x01] + level[index].bytes + level[index + 1].bytes
                hasher.update(children.span)
                return hasher.finish()
            }
        }
        return level[0]
    }

    private static func leaf(_ tensor: StoredTensor, in file: InputFile) throws(StorageError) -> SHA256Digest {
        var content = SHA256Hasher()
        let piece = 1 << 20
        var offset = 0
        while offset < tensor.byteCount {
            let bytes = try file.bytes(at: tensor.offset + offset, count: min(piece, tensor.byteCount - offset))
            content.update(bytes.span)
            offset += bytes.count
        }
        let name = Array(tensor.name.utf8)
        func word(_ value: Int) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
        var leaf = SHA256Hasher()
        let head = [0x00] + word(name.count) + name + Array(tensor.dtype.rawValue.utf8) + [0] + word(tensor.shape.count)
        let preimage = head + tensor.shape.flatMap(word) + content.finish().bytes
        leaf.update(preimage.span)
        return leaf.finish()
    }
}
