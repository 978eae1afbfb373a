package import Checkpoints
internal import Storage
internal import Tensors

/// One model's tensor as it is read to be compared: stored bytes where there are any, else values made of them as F32.
package struct ComparedTensor: Sendable {
    package let description: TensorDescription
    /// The bytes as they are stored; nil where elements stand in blocks.
    private let stored: InputFile?
    private let weights: any WeightSource

    package init(_ description: TensorDescription, of model: ConversionSource) throws(CheckpointError) {
        self.description = description
        stored = try model.stored(description.name)
        weights = model.weights
    }

    /// Whether it is the same part of the same file, so that nothing needs to be read.
    func isSamePart(as other: ComparedTensor) -> Bool {
        guard let stored, let part = other.stored else { return false }
        return stored.identity == part.identity && description.dtype == other.description.dtype
    }

    /// The elements of that range (whole bytes) as they are stored, in the tensor's dtype; the buffer takes their size.
    func read(_ range: Range<Int>, into buffer: inout [UInt8]) throws {
        let count = range.count * description.dtype.bitWidth / 8
        if buffer.count < count { buffer = [UInt8](repeating: 0, count: count) }
        let surplus = buffer.count - count
        buffer.removeLast(surplus)
        var bytes = buffer.mutableSpan
        if let stored {
            try stored.read(at: range.lowerBound * description.dtype.bitWidth / 8, into: &bytes)
        } else {
            var values = [Float](repeating: 0, count: range.count)
            var span = values.mutableSpan
            try weights.read(description.name, from: range.lowerBound, into: &span)
            StoredScalar.encode(values.span, as: description.dtype, into: &bytes)
        }
    }
}
