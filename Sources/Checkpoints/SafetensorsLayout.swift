internal import Storage
internal import Tensors

/// A safetensors file that is to be written: the bytes of its header and the tensors behind it, in the order of their bytes.
package struct SafetensorsLayout: Sendable {
    /// The header with its length before it: all that comes before the first tensor.
    package let header: [UInt8]
    package let tensors: [TensorDescription]

    /// The same header as a file has, byte for byte.
    package init(repeating header: SafetensorsHeader) {
        self.header = header.bytes
        tensors = header.tensors.map { TensorDescription(name: $0.name, dtype: $0.dtype, shape: $0.shape) }
    }

    /// The tensors of a file in the order of their bytes, under metadata that may be other than the file's; byte for byte its own header
    /// where they are not.
    package init(repeating header: SafetensorsHeader, metadata: [(name: String, value: String)]) {
        let old = header.metadata ?? []
        let isSame = old.elementsEqual(metadata) { $0.name.utf8.elementsEqual($1.name.utf8) && $0.value.utf8.elementsEqual($1.value.utf8) }
        self.init(repeating: header)
        if !isSame { self.init(tensors, metadata: metadata.isEmpty ? nil : metadata) }
    }

    /// Tensors in the order they are given, metadata first, as the reference writer words it: compact JSON, padded with spaces
    /// so that the data begin at a multiple of 8.
    package init(_ tensors: [TensorDescription], metadata: [(name: String, value: String)]?) {
        var members: [(name: String, value: JSONValue)] = []
        if let metadata {
            members.append(("__metadata__", .object(JSONObject(members: metadata.map { ($0.name, .string($0.value)) }))))
        }
        var end = 0
        for tensor in tensors {
            let begin = end
            end += tensor.byteCount
            members.append(
                (
                    tensor.name,
                    .members([
                        "dtype": .string(tensor.dtype.rawValue), "shape": .array(tensor.shape.map(JSONValue.integer)),
                        "data_offsets": [.integer(begin), .integer(end)],
                    ])
                ))
        }
        var text = Array(JSONValue.object(JSONObject(members: members)).serialized(pretty: false).utf8)
        text += [UInt8](repeating: 0x20, count: (8 - text.count % 8) % 8)
        header = (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) } + text
        self.tensors = tensors
    }

    /// The one layout that a set of tensors has: by dtype, the format's last first, then by the bytes of the names; metadata by
    /// the bytes of its names. Whatever order they come in, the file is the same, and it is the reference writer's.
    package init(canonical tensors: [TensorDescription], metadata: [(name: String, value: String)]?) {
        let ordered = tensors.map { (rank: DType.allCases.firstIndex(of: $0.dtype) ?? 0, tensor: $0) }.sorted {
            $0.rank != $1.rank ? $0.rank > $1.rank : $0.tensor.name.utf8.lexicographicallyPrecedes($1.tensor.name.utf8)
        }
        self.init(ordered.map(\.tensor), metadata: metadata?.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) })
    }

    package var byteCount: Int { header.count + tensors.reduce(0) { $0 + $1.byteCount } }
}
