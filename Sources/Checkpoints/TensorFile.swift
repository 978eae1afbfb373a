package import Storage
package import SystemPackage
internal import Tensors

/// A new safetensors file of F32 tensors, filled in any order; it appears when it is committed.
package final class TensorFile {
    private let file: AtomicFile
    private let places: [String: (offset: Int, count: Int)]

    /// Lays out the tensors in the given order; elements that are never written are zeros.
    package init(_ path: FilePath, tensors: [(name: String, shape: [Int])], replacing: Bool) throws(StorageError) {
        let layout = SafetensorsLayout(
            tensors.map { TensorDescription(name: $0.name, dtype: .f32, shape: $0.shape) }, metadata: [("format", "pt")])
        var places: [String: (offset: Int, count: Int)] = [:]
        var end = layout.header.count
        for tensor in layout.tensors {
            places[tensor.name] = (end, tensor.elementCount)
            end += tensor.byteCount
        }
        self.places = places
        file = try AtomicFile(path, replacing: replacing)
        try file.write(layout.header, at: 0)
        if end > layout.header.count { try file.write([0], at: end - 1) }
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
