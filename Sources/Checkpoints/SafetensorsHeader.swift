package import Storage
package import SystemPackage
package import Tensors

/// One tensor of a safetensors file: its type, shape and where its bytes lie (from the start of the file).
package struct StoredTensor: Sendable, Equatable {
    package let name: String
    package let dtype: DType
    package let shape: [Int]
    package let offset: Int
    package let byteCount: Int

    package var elementCount: Int { shape.reduce(1, *) }
}

/// The header of a safetensors file. It exists only if its tensors tile the file's data exactly.
package struct SafetensorsHeader: Sendable {
    /// The tensors in the order of their bytes.
    package let tensors: [StoredTensor]
    /// `__metadata__`, in the order it was written; nil where there is none.
    package let metadata: [(name: String, value: String)]?
    /// The header's own bytes, its length included: a file of the same tensors can repeat them as they are.
    package let bytes: [UInt8]

    private static let largestHeader = 100_000_000
    private static let mostTensors = 1 << 20
    private static let longestName = 1 << 16

    /// Reads and checks the header of `file`. Throws `CheckpointError.header` or `.tensor` with a stable kind.
    package init(of file: InputFile) throws(CheckpointError) {
        try self.init(path: file.path, size: file.size) { offset, count throws(StorageError) in try file.bytes(at: offset, count: count) }
    }

    /// Reads and checks the header of a file that is held in memory. Throws as the other does.
    package init(of contents: [UInt8], path: FilePath) throws(CheckpointError) {
        try self.init(path: path, size: contents.count) { offset, count in Array(contents[offset..<offset + count]) }
    }

    private init(path: FilePath, size: Int, _ read: (_ offset: Int, _ count: Int) throws(StorageError) -> [UInt8]) throws(CheckpointError) {
        func fail(_ kind: String, _ reason: String) -> CheckpointError { .header(path, kind: kind, reason: reason) }
        guard size >= 8 else {
            throw fail("truncated-file", "the file has \(size) bytes, fewer than the 8 of the header's length")
        }
        var bytes: [UInt8]
        do { bytes = try read(0, 8) } catch { throw .storage(error) }
        if bytes.elementsEqual("version ".utf8) {
            throw fail("lfs-pointer", "this is a Git LFS pointer, not the file itself; fetch it with `git lfs pull`")
        }
        let length = bytes.enumerated().reduce(UInt64(0)) { $0 | UInt64($1.element) << UInt64(8 * $1.offset) }
        guard length > 0 else { throw fail("empty-header", "its length is 0") }
        guard length <= UInt64(Self.largestHeader) else {
            throw fail("header-too-large", "its length is \(length) bytes, more than the \(Self.largestHeader) that the format allows")
        }
        guard length <= UInt64(size - 8) else {
            throw fail("truncated-file", "it should have \(length) bytes, but the file ends after \(size - 8)")
        }
        do { bytes += try read(8, Int(length)) } catch { throw .storage(error) }
        self.bytes = bytes
        let document: JSONValue
        do { document = try JSONValue(parsing: bytes.span.extracting(8...), depth: 4) } catch {
            throw fail(error.repeatedName == nil ? "json-syntax" : "duplicate-name", error.description)
        }
        guard let object = document.object else { throw fail("not-an-object", "it is not a JSON object") }
        guard object.members.count <= Self.mostTensors else {
            throw fail("too-many-tensors", "it names more than \(Self.mostTensors) tensors")
        }

        var metadata: [(name: String, value: String)]?
        var tensors: [StoredTensor] = []
        let dataStart = 8 + Int(length)
        for (name, value) in object.members {
            if name == "__metadata__" {
                guard let entries = value.object else { throw fail("metadata", "__metadata__ is not an object") }
                metadata = []
                for entry in entries.members {
                    guard let text = entry.value.string else { throw fail("metadata", "__metadata__ holds something that is not a string") }
                    metadata?.append((entry.name, text))
                }
            } else {
                tensors.append(try Self.tensor(name, value, dataStart, path))
            }
        }
        self.metadata = metadata
        self.tensors = try Self.tiling(tensors, from: dataStart, to: size, path)
    }

    private static func tensor(_ name: String, _ value: JSONValue, _ dataStart: Int, _ path: FilePath) throws(CheckpointError)
        -> StoredTensor
    {
        func fail(_ kind: String, _ reason: String) -> CheckpointError { .tensor(path, name: name, kind: kind, reason: reason) }
        guard name.utf8.count <= longestName else { throw fail("name-too-long", "its name is longer than \(longestName) bytes") }
        guard let info = value.object else { throw fail("not-an-object", "its description is not an object") }
        if let extra = info.members.first(where: { !["dtype", "shape", "data_offsets"].contains($0.name) }) {
            throw fail("unknown-field", "its description has the unknown field \(CheckpointError.quoted(extra.name))")
        }
        guard let typeName = info["dtype"]?.string else { throw fail("dtype", "it has no dtype") }
        guard let dtype = DType(rawValue: typeName) else { throw fail("dtype", "its dtype \(CheckpointError.quoted(typeName)) is unknown") }
        func naturals(_ field: String) throws(CheckpointError) -> [Int] {
            guard let array = info[field]?.array else { throw fail("missing-field", "it has no \(field)") }
            var result: [Int] = []
            for element in array {
                guard let value = element.integer, value >= 0 else {
                    throw fail("not-a-natural", "\(field) holds something that is no natural number")
                }
                result.append(value)
            }
            return result
        }
        let shape = try naturals("shape")
        guard shape.count <= 64 else { throw fail("rank", "it has \(shape.count) dimensions") }
        let offsets = try naturals("data_offsets")
        guard offsets.count == 2, offsets[0] <= offsets[1] else { throw fail("offsets", "its data_offsets are no begin and end") }
        var bits = dtype.bitWidth
        for dimension in shape where dimension > 0 {
            let (product, overflow) = bits.multipliedReportingOverflow(by: dimension)
            guard !overflow else { throw fail("size-overflow", "its shape \(shape) is larger than any file") }
            bits = product
        }
        if shape.contains(0) { bits = 0 }
        guard bits % 8 == 0 else { throw fail("partial-byte", "its elements do not fill whole bytes") }
        guard bits / 8 == offsets[1] - offsets[0] else {
            throw fail(
                "size-mismatch", "\(typeName) \(shape) takes \(bits / 8) bytes, but its data_offsets hold \(offsets[1] - offsets[0])")
        }
        let (end, overflow) = offsets[1].addingReportingOverflow(dataStart)
        guard !overflow else { throw fail("offsets", "its data_offsets lie beyond any file") }
        return StoredTensor(name: name, dtype: dtype, shape: shape, offset: end - bits / 8, byteCount: bits / 8)
    }

    /// The tensors by offset, once it is certain that they leave no gap, do not overlap and end with the file.
    private static func tiling(_ tensors: [StoredTensor], from start: Int, to end: Int, _ path: FilePath) throws(CheckpointError)
        -> [StoredTensor]
    {
        let ordered = tensors.enumerated().sorted {
            ($0.element.offset, $0.element.byteCount, $0.offset) < ($1.element.offset, $1.element.byteCount, $1.offset)
        }.map(\.element)
        var names: Set<[UInt8]> = []
        var next = start
        for tensor in ordered {
            func fail(_ kind: String, _ reason: String) -> CheckpointError { .tensor(path, name: tensor.name, kind: kind, reason: reason) }
            guard names.insert(Array(tensor.name.utf8)).inserted else { throw fail("duplicate-name", "the name occurs twice") }
            guard tensor.offset <= next else { throw fail("offset-gap", "\(tensor.offset - next) bytes before it belong to no tensor") }
            guard tensor.offset == next else { throw fail("offset-overlap", "it overlaps the tensor before it") }
            next += tensor.byteCount
            guard next <= end else {
                throw fail("truncated-file", "its bytes end at \(next), but the file ends at \(end)")
            }
        }
        guard next == end else {
            throw .header(path, kind: "trailing-bytes", reason: "\(end - next) bytes follow the last tensor")
        }
        return ordered
    }
}
