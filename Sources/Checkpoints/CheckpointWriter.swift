package import Storage
internal import SystemPackage
package import Tensors

/// Writes a checkpoint's files into a staged directory: the shards, the model's other files, the index last.
///
/// What is written twice from the same tensors is the same byte for byte. Files that the directory has finished are passed over.
package struct CheckpointWriter: Sendable {
    /// Where a tensor's bytes come from.
    package enum Origin {
        /// From a file that holds exactly these bytes.
        case stored(InputFile)
        /// From values, rounded to the tensor's dtype.
        case values(any WeightSource)
    }

    private let layout: CheckpointLayout
    private let rounding: Rounding
    private let origin: @Sendable (TensorDescription) throws -> Origin

    package init(
        _ layout: CheckpointLayout, rounding: Rounding = .nearest, origin: @escaping @Sendable (TensorDescription) throws -> Origin
    ) {
        self.layout = layout
        self.rounding = rounding
        self.origin = origin
    }

    /// A checkpoint like another, where `edited` names the tensors that come from `source`; the others are copied. A `note` goes into
    /// the metadata of the files that hold an edited tensor.
    package init(
        like base: Checkpoint, edited: Set<String>, from source: any WeightSource, note: (name: String, value: String)? = nil,
        rounding: Rounding = .nearest
    ) throws(StorageError) {
        self.init(try CheckpointLayout(preserving: base, edited: edited, note: note), rounding: rounding) { tensor in
            edited.contains(tensor.name) ? .values(source) : .stored(try base.stored(tensor.name))
        }
    }

    /// Writes all of it, with the other `files` of the model beside. Throws `tensor` with the kind `overflow` where a value is
    /// too large for its dtype, and what reading and writing throw.
    package func write(to output: StagedDirectory, beside files: [ModelFile]) throws {
        for (name, layout) in layout.shards where !output.isFinished(name) {
            let file = try output.create(name)
            try file.write(layout.header)
            for tensor in layout.tensors {
                switch try origin(tensor) {
                case .stored(let bytes): try file.write(contentsOf: bytes)
                case .values(let source): try write(tensor, of: name, from: source, to: file)
                }
            }
            try file.finish()
        }
        for beside in files where !output.isFinished(beside.name) {
            let file = try output.create(beside.name)
            switch beside.contents {
            case .file(let source): try file.write(contentsOf: source)
            case .bytes(let bytes): try file.write(bytes)
            }
            try file.finish()
        }
        // The index last: without it, shards are not yet a checkpoint.
        if let (name, contents) = layout.index, !output.isFinished(name) {
            let file = try output.create(name)
            try file.write(contents)
            try file.finish()
        }
    }

    private func write(_ tensor: TensorDescription, of shard: String, from source: any WeightSource, to file: StagedFile) throws {
        let piece = 1 << 18
        let width = tensor.dtype.bitWidth / 8
        let rounder = Rounder(rounding, to: tensor.dtype, tensor: tensor.name)
        var values = [Float](repeating: 0, count: min(piece, tensor.elementCount))
        for offset in stride(from: 0, to: tensor.elementCount, by: piece) {
            let count = min(piece, tensor.elementCount - offset)
            var span = values.mutableSpan
            var part = span._mutatingExtracting(0..<count)
            try source.read(tensor.name, from: offset, into: &part)
            var bytes = [UInt8](repeating: 0, count: count * width)
            var target = bytes.mutableSpan
            guard rounder.encode(part.span, from: offset, into: &target) else {
                throw CheckpointError.tensor(
                    FilePath(shard), name: tensor.name, kind: "overflow",
                    reason: "it holds a value too large for \(tensor.dtype.rawValue); BF16 and F32 reach further")
            }
            try file.write(bytes)
        }
    }
}
