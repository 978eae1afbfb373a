internal import Storage
internal import Tensors

/// Where weights come from, as Float: a checkpoint, or a checkpoint with an edit on it.
package protocol WeightSource: Sendable {
    /// Fills `destination` with a tensor's elements from `offset` on, in row-major order.
    ///
    /// The caller has checked name, type and extent against the layout. Throws what the reading throws.
    func read(_ name: String, from offset: Int, into destination: inout MutableSpan<Float>) throws
}

extension Checkpoint: WeightSource {
    package func read(_ name: String, from offset: Int, into destination: inout MutableSpan<Float>) throws {
        guard let tensor = tensor(named: name), let file = file(holding: name) else {
            throw CheckpointError.missingTensor(path, name: name)
        }
        guard tensor.dtype.isComputable else { throw CheckpointError.unsupportedDType(file.path, name: name, dtype: tensor.dtype) }
        precondition(offset >= 0 && offset + destination.count <= tensor.elementCount)
        let width = tensor.dtype.bitWidth / 8
        // A piece stays in the cache between its arrival and its conversion.
        let piece = 1 << 17
        var bytes = [UInt8](repeating: 0, count: min(piece, destination.count) * width)
        var done = 0
        while done < destination.count {
            let count = min(piece, destination.count - done)
            var stored = bytes.mutableSpan
            var part = stored._mutatingExtracting(0..<count * width)
            try file.read(at: tensor.offset + (offset + done) * width, into: &part)
            var target = destination._mutatingExtracting(done..<done + count)
            StoredScalar.decode(part.span, as: tensor.dtype, into: &target)
            done += count
        }
    }
}
