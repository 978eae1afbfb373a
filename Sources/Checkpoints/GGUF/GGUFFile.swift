package import Storage
package import SystemPackage

/// One tensor of a GGUF file: its row-major shape (the file has the dimensions the other way round) and where its blocks lie.
package struct GGUFTensor: Sendable, Equatable {
    package let name: String
    package let shape: [Int]
    package let type: GGMLType
    /// From the start of the file.
    package let offset: Int
    package let byteCount: Int

    package var elementCount: Int { shape.reduce(1, *) }
}

/// A GGUF file, version 2 or 3, little-endian. It exists only if every tensor lies inside the file and none overlaps another.
package struct GGUFFile: Sendable {
    package let file: InputFile
    package let metadata: GGUFMetadata
    /// The tensors in the order of the header.
    package let tensors: [GGUFTensor]
    private let places: [[UInt8]: Int]

    package var path: FilePath { file.path }

    private static let mostKeys = 1 << 16
    private static let mostTensors = 1 << 20

    /// Reads and checks the header. Throws `CheckpointError.gguf`, `.unsupportedGGUF` or `.tensor` with a stable kind.
    package init(_ file: InputFile) throws(CheckpointError) {
        var reader = GGUFReader(file)
        guard file.size >= 4, try reader.word32() == 0x4655_4747 else { throw reader.fail("gguf-magic", "it does not begin with GGUF") }
        let version = try reader.word32()
        guard version == 2 || version == 3 else {
            let isSwapped = (1...3).contains(version.byteSwapped)
            throw .unsupportedGGUF(
                file.path, kind: isSwapped ? "gguf-big-endian" : "gguf-version",
                reason: isSwapped ? "this GGUF file is big-endian" : "this is GGUF version \(version), neither 2 nor 3")
        }
        // A tensor has at least its name's length, rank, one dimension, type and offset; a key its length, type and value.
        let tensorCount = try reader.count(of: "tensors", leastByteCount: 8 + 4 + 8 + 4 + 8)
        let keyCount = try reader.count(of: "keys", leastByteCount: 8 + 4 + 1)
        guard tensorCount <= Self.mostTensors, keyCount <= Self.mostKeys else {
            throw reader.fail("gguf-too-large", "it announces \(tensorCount) tensors and \(keyCount) keys")
        }
        var pairs: [(key: String, value: GGUFValue)] = []
        for _ in 0..<keyCount { pairs.append((try reader.string(), try reader.value())) }
        metadata = try GGUFMetadata(pairs, path: file.path)
        let alignment = try metadata.integer("general.alignment") ?? 32
        guard alignment > 0, alignment & (alignment - 1) == 0, alignment <= 1 << 30 else {
            throw reader.fail("gguf-alignment", "general.alignment is \(alignment), which is no power of two up to 2^30")
        }
        var headers: [GGUFTensorHeader] = []
        for _ in 0..<tensorCount { headers.append(try GGUFTensorHeader(&reader, path: file.path)) }
        let start = (reader.position + alignment - 1) / alignment * alignment
        var tensors: [GGUFTensor] = []
        var places: [[UInt8]: Int] = [:]
        for header in headers {
            guard places.updateValue(tensors.count, forKey: Array(header.name.utf8)) == nil else {
                throw .tensor(file.path, name: header.name, kind: "gguf-duplicate-tensor", reason: "the name occurs twice")
            }
            tensors.append(try header.placed(after: start, alignment: alignment, in: file))
        }
        (self.file, self.tensors, self.places) = (file, tensors, places)
        try checkOverlaps()
    }

    package func tensor(named name: String) -> GGUFTensor? { places[Array(name.utf8)].map { tensors[$0] } }

    /// Fills `destination` with a tensor's elements from `offset` on, decoding only the blocks they stand in, in pieces.
    package func read(_ tensor: GGUFTensor, from offset: Int, into destination: inout MutableSpan<Float>) throws(StorageError) {
        precondition(offset >= 0 && offset + destination.count <= tensor.elementCount)
        let type = tensor.type
        let piece = min(destination.count / type.blockCount + 1, (1 << 16) / type.blockCount)
        var bytes = [UInt8](repeating: 0, count: piece * type.blockByteCount)
        var done = 0
        while done < destination.count {
            let (block, skipped) = (offset + done).quotientAndRemainder(dividingBy: type.blockCount)
            let wanted = destination.count - done
            let isPart = skipped > 0 || wanted < type.blockCount
            let blocks = isPart ? 1 : min(piece, wanted / type.blockCount)
            var stored = bytes.mutableSpan
            var part = stored._mutatingExtracting(0..<blocks * type.blockByteCount)
            try file.read(at: tensor.offset + block * type.blockByteCount, into: &part)
            if isPart {
                var whole = [Float](repeating: 0, count: type.blockCount)
                var elements = whole.mutableSpan
                type.decode(part.span, into: &elements)
                let count = min(type.blockCount - skipped, wanted)
                for index in 0..<count { destination[done + index] = elements[skipped + index] }
                done += count
            } else {
                var elements = destination._mutatingExtracting(done..<done + blocks * type.blockCount)
                type.decode(part.span, into: &elements)
                done += blocks * type.blockCount
            }
        }
    }

    private func checkOverlaps() throws(CheckpointError) {
        var end = 0
        for tensor in tensors.sorted(by: { ($0.offset, $0.byteCount) < ($1.offset, $1.byteCount) }) where tensor.byteCount > 0 {
            guard tensor.offset >= end else {
                throw .tensor(path, name: tensor.name, kind: "gguf-overlap", reason: "its bytes overlap another tensor's")
            }
            end = tensor.offset + tensor.byteCount
        }
    }
}
