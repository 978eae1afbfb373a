import Checkpoints
import Patches
import Storage
import SystemPackage
import Tensors
import TestSupport

/// A tensor to be written by hand.
struct MadeTensor {
    var description: TensorDescription
    var bytes: [UInt8]

    init(_ name: String, _ dtype: DType, _ shape: [Int], bytes: [UInt8]) {
        (description, self.bytes) = (TensorDescription(name: name, dtype: dtype, shape: shape), bytes)
    }

    init(_ name: String, _ dtype: DType, _ values: [Float], shape: [Int]? = nil) {
        var bytes = [UInt8](repeating: 0, count: values.count * dtype.bitWidth / 8)
        var span = bytes.mutableSpan
        StoredScalar.encode(values.span, as: dtype, into: &span)
        self.init(name, dtype, shape ?? [values.count], bytes: bytes)
    }
}

extension [MadeTensor] {
    /// Writes them as one file, or as shards of so many tensors with their index.
    func write(to path: FilePath, perShard: Int? = nil, metadata: [(name: String, value: String)]? = [("format", "pt")]) throws {
        guard let perShard else {
            try TestSupport.write(SafetensorsLayout(map(\.description), metadata: metadata).header + flatMap(\.bytes), to: path)
            return
        }
        try FileSystem.createDirectory(path)
        let groups = stride(from: 0, to: count, by: perShard).map { Array(self[$0..<Swift.min($0 + perShard, count)]) }
        let layout = CheckpointLayout(groups.map { $0.map(\.description) }, order: .preserve, metadata: metadata ?? [])
        for (shard, group) in zip(layout.shards, groups) {
            try TestSupport.write(shard.layout.header + group.flatMap(\.bytes), to: path.appending(shard.name))
        }
        if let (name, contents) = layout.index { try TestSupport.write(contents, to: path.appending(name)) }
    }
}

/// Makes the patch from one checkpoint to another.
@discardableResult
func makePatch(_ base: FilePath, _ edited: FilePath, at path: FilePath) throws -> Patch {
    let output = try AtomicFile(path, replacing: true)
    _ = try PatchCreation(from: Checkpoint(base), to: Checkpoint(edited), tool: "test").write(to: output)
    try output.commit()
    return try Patch(InputFile(path))
}

/// Applies a patch. Returns the content digest that was told.
@discardableResult
func apply(
    _ patch: FilePath, to checkpoint: FilePath, _ mode: PatchApplication.Mode = .forward, output: FilePath
) throws -> SHA256Digest {
    let application = try PatchApplication(Patch(InputFile(patch)), to: Checkpoint(checkpoint), mode)
    let staged = try StagedDirectory(output, replacing: true)
    let digest = try application.write(to: staged, tool: "test")
    try staged.commit()
    return digest
}
