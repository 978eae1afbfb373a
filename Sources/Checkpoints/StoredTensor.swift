internal import Storage
internal import SystemPackage
package import Tensors

/// One tensor of a safetensors file: its type, shape and where its bytes lie (from the start of the file).
package struct StoredTensor: Sendable, Equatable {
    package let name: String
    package let dtype: DType
    package let shape: [Int]
    package let offset: Int
    package let byteCount: Int

    package var elementCount: Int { shape.reduce(1, *) }

    package var description: TensorDescription { TensorDescription(name: name, dtype: dtype, shape: shape) }
}

extension StoredTensor {
    private static let longestName = 1 << 16
    private static let longestDescription = 1 << 16
    private static let highestRank = 64

    /// Reads a tensor's description, a member of the header whose data begins at `dataStart`. Throws `CheckpointError.tensor`, or
    /// `.header` where it is not JSON.
    init(_ member: JSONMember, dataStart: Int, _ path: FilePath) throws(CheckpointError) {
        name = member.name
        let name = name
        func fail(_ defect: HeaderDefect, _ reason: String) -> CheckpointError {
            .tensor(path, name, defect, reason)
        }
        guard name.utf8.count <= Self.longestName else {
            throw fail(.nameTooLong, "its name is longer than \(Self.longestName) bytes")
        }
        guard member.byteCount <= Self.longestDescription else {
            throw fail(.descriptionTooLong, "its description is longer than \(Self.longestDescription) bytes")
        }
        let description: JSONValue
        do { description = try member.value() } catch { throw .header(path, error) }
        guard let fields = description.object else { throw fail(.notAnObject, "its description is \(description.kindName), not an object") }
        if let extra = fields.members.first(where: { !["dtype", "shape", "data_offsets"].contains($0.name) }) {
            throw fail(.unknownField, "its description has the unknown field \(CheckpointError.quoted(extra.name))")
        }
        func field(_ name: String) throws(CheckpointError) -> JSONValue {
            guard let value = fields[name] else { throw fail(.missingField, "it has no \(name)") }
            return value
        }
        func naturals(_ name: String) throws(CheckpointError) -> [Int] {
            let value = try field(name)
            guard let elements = value.array else { throw fail(.notAnArray, "its \(name) is \(value.kindName), not an array") }
            var result: [Int] = []
            result.reserveCapacity(elements.count)
            for element in elements {
                guard let value = element.integer, value >= 0 else {
                    throw fail(.notANatural, "its \(name) holds something that is no natural number")
                }
                result.append(value)
            }
            return result
        }
        let typeName = try field("dtype")
        guard let dtype = typeName.string.flatMap(DType.init(rawValue:)) else {
            throw fail(.dtype, "its dtype \(typeName.string.map(CheckpointError.quoted) ?? typeName.kindName) is unknown")
        }
        shape = try naturals("shape")
        guard shape.count <= Self.highestRank else {
            throw fail(.rank, "it has \(shape.count) dimensions, more than \(Self.highestRank)")
        }
        let offsets = try naturals("data_offsets")
        guard offsets.count == 2, offsets[0] <= offsets[1] else { throw fail(.offsets, "its data_offsets are no begin and end") }
        // Dimensions that are 0 do not excuse the others.
        var bits = dtype.bitWidth
        for dimension in shape where dimension > 0 {
            let (product, overflow) = bits.multipliedReportingOverflow(by: dimension)
            guard !overflow else { throw fail(.sizeOverflow, "its shape \(shape) is larger than any file") }
            bits = product
        }
        if shape.contains(0) { bits = 0 }
        guard bits % 8 == 0 else { throw fail(.partialByte, "its elements do not fill whole bytes") }
        guard bits / 8 == offsets[1] - offsets[0] else {
            throw fail(
                .sizeMismatch, "\(dtype.rawValue) \(shape) takes \(bits / 8) bytes, but its data_offsets hold \(offsets[1] - offsets[0])")
        }
        let (end, overflow) = offsets[1].addingReportingOverflow(dataStart)
        guard !overflow else { throw fail(.offsets, "its data_offsets lie beyond any file") }
        (self.dtype, offset, byteCount) = (dtype, end - bits / 8, bits / 8)
    }
}
