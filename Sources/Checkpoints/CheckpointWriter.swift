package import Storage
internal import SystemPackage
internal import Tensors

/// Writes a checkpoint like another one, with some tensors' values changed: same shards, same tensor order, same offsets,
/// same metadata, same dtypes; what did not change is the same byte for byte. The other files of the directory come along.
package struct CheckpointWriter: Sendable {
    private let base: Checkpoint

    package init(like base: Checkpoint) { self.base = base }

    /// Writes to `directory`, which appears whole or not at all. `edited` names the tensors that come from `source`, rounded
    /// to nearest, ties to even; the others are copied.
    package func write(to output: StagedDirectory, edited: Set<String>, from source: any WeightSource) throws {
        let shardNames = Set(base.shards.compactMap { $0.file.path.lastComponent?.string })
        for shard in base.shards {
            guard let name = shard.file.path.lastComponent?.string else { continue }
            let file = try output.create(name)
            try file.write(shard.header.bytes)
            for tensor in shard.header.tensors {
                if edited.contains(tensor.name) {
                    try writeEdited(tensor, from: source, to: file)
                } else {
                    try copy(shard.file, from: tensor.offset, count: tensor.byteCount, to: file)
                }
            }
            try file.finish()
        }
        guard let files = base.files else { return }
        let indexName = base.index?.path.lastComponent?.string
        for name in files.names where !shardNames.contains(name) && name != indexName {
            try copyWhole(files.file(name), name, to: output)
        }
        // The index last: without it, shards are not yet a checkpoint.
        if let index = base.index, let indexName { try copyWhole(index, indexName, to: output) }
    }

    private func copyWhole(_ source: InputFile, _ name: String, to output: StagedDirectory) throws {
        let file = try output.create(name)
        try copy(source, from: 0, count: source.size, to: file)
        try file.finish()
    }

    private func copy(_ source: InputFile, from start: Int, count: Int, to file: StagedFile) throws {
        let piece = 1 << 20
        for offset in stride(from: 0, to: count, by: piece) {
            try file.write(source.bytes(at: start + offset, count: min(piece, count - offset)))
        }
    }

    private func writeEdited(_ tensor: StoredTensor, from source: any WeightSource, to file: StagedFile) throws {
        let piece = 1 << 18
        let width = tensor.dtype.bitWidth / 8
        var values = [Float](repeating: 0, count: min(piece, tensor.elementCount))
        for offset in stride(from: 0, to: tensor.elementCount, by: piece) {
            let count = min(piece, tensor.elementCount - offset)
            var span = values.mutableSpan
            var part = span._mutatingExtracting(0..<count)
            try source.read(tensor.name, from: offset, into: &part)
            var bytes = [UInt8](repeating: 0, count: count * width)
            var target = bytes.mutableSpan
            StoredScalar.encode(part.span, as: tensor.dtype, into: &target)
            try file.write(bytes)
        }
    }
}
