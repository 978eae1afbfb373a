internal import Storage
internal import SystemPackage

/// A tensor as a GGUF header announces it, sizes checked, its place not yet.
struct GGUFTensorHeader {
    let name: String
    private let shape: [Int]
    private let type: GGMLType
    private let byteCount: Int
    private let offset: UInt64
    private let path: FilePath

    /// Throws `gguf-rank`, `gguf-tensor-type`, `gguf-size-overflow`, `gguf-row-size`, and what the reading throws.
    init(_ reader: inout GGUFReader, path: FilePath) throws(CheckpointError) {
        let name = try reader.string()
        func fail(_ kind: String, _ reason: String) -> CheckpointError { .tensor(path, name: name, kind: kind, reason: reason) }
        let rank = try reader.word32()
        guard (1...4).contains(rank) else { throw fail("gguf-rank", "it has \(rank) dimensions; from 1 to 4 are expected") }
        var dimensions: [UInt64] = []
        for _ in 0..<rank { dimensions.append(try reader.word(byteCount: 8)) }
        let code = try reader.word32()
        offset = try reader.word(byteCount: 8)
        guard let type = GGMLType(rawValue: code) else {
            throw .unsupportedGGUF(
                path, kind: "gguf-tensor-type", reason: "tensor \(CheckpointError.quoted(name)) is stored as \(GGMLType.name(code))")
        }
        var bytes = UInt64(type.blockByteCount)
        for dimension in dimensions where dimension > 0 {
            let (product, overflow) = bytes.multipliedReportingOverflow(by: dimension)
            guard !overflow, product <= UInt64(Int.max) else {
                throw fail("gguf-size-overflow", "its dimensions \(dimensions) are larger than any file")
            }
            bytes = product
        }
        guard dimensions[0] % UInt64(type.blockCount) == 0 else {
            throw fail(
                "gguf-row-size",
                "its rows of \(dimensions[0]) elements are not whole blocks of \(type.blockCount), as \(GGMLType.name(code)) has")
        }
        (self.name, self.type, self.path) = (name, type, path)
        shape = dimensions.reversed().map(Int.init)
        byteCount = dimensions.contains(0) ? 0 : Int(bytes) / type.blockCount
    }

    /// The tensor in the file. Throws `gguf-offset` or `gguf-truncated`.
    func placed(after start: Int, alignment: Int, in file: InputFile) throws(CheckpointError) -> GGUFTensor {
        guard offset % UInt64(alignment) == 0 else {
            throw .tensor(
                path, name: name, kind: "gguf-offset", reason: "its offset \(offset) is no multiple of the alignment \(alignment)")
        }
        guard byteCount <= file.size, start + byteCount <= file.size, offset <= UInt64(file.size - start - byteCount) else {
            throw .tensor(
                path, name: name, kind: "gguf-truncated",
                reason: "its \(byteCount) bytes at \(offset) after byte \(start) reach beyond the file's end at \(file.size)")
        }
        return GGUFTensor(name: name, shape: shape, type: type, offset: start + Int(offset), byteCount: byteCount)
    }
}
