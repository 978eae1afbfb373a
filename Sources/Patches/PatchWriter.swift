internal import Checkpoints
internal import Storage
internal import SystemPackage
internal import Tensors

/// A patch in the making: tensors' differences one after the other, then the manifest.
struct PatchWriter: ~Copyable {
    private var spool: Spool
    private var tensors: [TensorDescription] = []
    /// Thin matrices stand before all else: their places are multiples of 4.
    private var matrices: [(description: TensorDescription, values: [Float])] = []
    private var size = 0
    /// What of it has a name.
    private var written = 0

    /// Differences are put aside beside `output` until all are there.
    init(for output: AtomicFile) throws(StorageError) {
        let directory = output.path.removingLastComponent()
        spool = try Spool(in: directory.isEmpty ? "." : directory)
    }

    /// Appends the difference of a tensor's two sides, nothing where there is none. Returns how many words differ.
    ///
    /// - Parameter sides: gets a range of the tensor's bytes, one behind the other, and gives them before and after.
    mutating func append(_ tensor: TensorDescription, _ sides: (Range<Int>) throws -> (before: [UInt8], after: [UInt8])) throws -> Int {
        let blocks = DifferenceBlocks(of: tensor)
        var (lengths, changed): ([Int], Int) = ([], 0)
        for run in blocks.runs {
            let (before, after) = try sides(blocks.bytes(of: run))
            for (frame, words) in blocks.frames(of: run, from: before, to: after) {
                try append(frame)
                lengths.append(frame.count)
                changed += words
            }
        }
        if changed > 0 { try append(DifferenceBlocks.trailer(lengths)) }
        end(tensor.name)
        return changed
    }

    /// Adds a change that is kept as the product of two matrices.
    mutating func append(_ tensor: PatchedTensor, left: [Float], right: [Float]) {
        for (part, values) in zip(tensor.parts, [left, right]) { matrices.append((part, values)) }
    }

    /// Appends a difference as it stands in another patch.
    mutating func append(_ name: String, contentsOf part: InputFile) throws {
        for start in stride(from: 0, to: part.size, by: 1 << 20) {
            try append(part.bytes(at: start, count: min(1 << 20, part.size - start)))
        }
        end(name)
    }

    private mutating func append(_ bytes: [UInt8]) throws(StorageError) {
        guard !bytes.isEmpty else { return }
        try spool.append(bytes)
        size += bytes.count
    }

    /// Gives a name to what was written since the last one.
    private mutating func end(_ name: String) {
        guard size > written else { return }
        tensors.append(TensorDescription(name: name, dtype: .u8, shape: [size - written]))
        written = size
    }

    /// Writes the patch, which is left for the caller to commit. Returns the digest that it carries.
    consuming func finish(_ manifest: PatchManifest, to output: AtomicFile) throws -> SHA256Digest {
        func header(_ digest: String) -> [UInt8] {
            let metadata = [Patch.format, (Patch.digestName, digest), (Patch.manifestName, manifest.json.serialized())]
            return SafetensorsLayout(matrices.map(\.description) + tensors, metadata: metadata).header
        }
        let undigested = header(String(repeating: "0", count: 2 * SHA256Digest.byteCount))
        let running = RunningDigest()
        running.update([undigested])
        var end = undigested.count
        func write(_ block: [UInt8]) throws {
            running.update([block])
            try output.write(block, at: end)
            end += block.count
        }
        for matrix in matrices {
            var bytes = [UInt8](repeating: 0, count: 4 * matrix.values.count)
            var span = bytes.mutableSpan
            StoredScalar.encode(matrix.values.span, as: .f32, into: &span)
            try write(bytes)
        }
        try spool.forEachBlock(write)
        let digest = running.digest()
        try output.write(header(digest.description), at: 0)
        return digest
    }
}
