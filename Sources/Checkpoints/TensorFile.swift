package import Storage
package import SystemPackage
internal import Tensors

/// A new safetensors file of F32 tensors, filled in any order; it appears when it is committed.
package final class TensorFile {
    private let file: AtomicFile
    private let places: [String: (offset: Int, count: Int)]

    /// Lays out the tensors in the given order; elements that are never written are zeros.
    package init(_ path: FilePath, tensors: [(name: String, shape: [Int])], replacing: Bool) throws(StorageError) {
        var places: [String: (offset: Int, count: Int)] = [:]
        var members: [(name: String, value: JSONValue)] = [("__metadata__", .members(["format": "pt"]))]
        var end = 0
        for (name, shape) in tensors {
            let count = shape.reduce(1, *)
            members.append(
                (
                    name,
                    .members([
                        "dtype": .string(DType.f32.rawValue), "shape": .array(shape.map(JSONValue.integer)),
                        "data_offsets": [.integer(end), .integer(end + 4 * count)],
                    ])
                ))
            places[name] = (end, count)
            end += 4 * count
        }
        var header = Array(JSONValue.object(JSONObject(members: members)).serialized(pretty: false).utf8)
        // Data begins at a multiple of 8, as the reference writer has it.
        header += [UInt8](repeating: 0x20, count: (8 - header.count % 8) % 8)
        let length = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
        self.places = places.mapValues { ($0.offset + 8 + header.count, $0.count) }
        file = try AtomicFile(path, replacing: replacing)
        try file.write(length + header, at: 0)
        if end > 0 { try file.write([0], at: 8 + header.count + end - 1) }
    }

    /// Writes a tensor's elements from `offset` on.
    package func write(_ name: String, from offset: Int, _ values: Span<Float>) throws(StorageError) {
        guard let place = places[name], offset >= 0, offset + values.count <= place.count else {
            preconditionFailure("no such tensor: \(name)")
        }
        var bytes = [UInt8](repeating: 0, count: values.count * 4)
        var span = bytes.mutableSpan
        StoredScalar.encode(values, as: .f32, into: &span)
        try file.write(bytes, at: place.offset + 4 * offset)
    }

    package func commit() throws(StorageError) { try file.commit() }
}
