internal import Checkpoints
internal import Storage
internal import Tensors

/// Base + scale (left right), as it is stored. Every element is a sum in Float of its own and in one order, so that the bits are the same on
/// every machine and for any number of threads.
struct LowRankStep: Sendable {
    private let tensor: TensorDescription
    private let left: [Float]
    private let right: [Float]
    private let rank: Int
    private let scale: Float

    /// - Parameters:
    ///   - left: rows x rank, where the tensor is a matrix of its first dimension by all others.
    ///   - right: rank x columns.
    init(_ tensor: TensorDescription, left: [Float], right: [Float], scale: Double = 1) {
        (self.tensor, self.left, self.right, self.scale) = (tensor, left, right, Float(scale))
        rank = left.count / max(1, tensor.shape.first ?? 1)
        precondition(right.count == rank * columns && left.count * columns == rank * tensor.elementCount)
    }

    private var columns: Int { tensor.shape.dropFirst().reduce(1, *) }

    /// The blocks of a run, whose bytes are given; nil in place of one with a value too large for the dtype.
    func blocks(_ stored: [[UInt8]], of run: Range<Int>, in blocks: DifferenceBlocks) -> [[UInt8]?] {
        RowParallel.map(run.count) { index in
            let block = run.lowerBound + index
            let start = blocks.bytes(of: block..<block + 1).lowerBound / blocks.words.width
            return self.block(stored[index], from: start)
        }
    }

    /// - Parameter start: the tensor's element that the block begins with.
    private func block(_ stored: [UInt8], from start: Int) -> [UInt8]? {
        let count = stored.count * 8 / tensor.dtype.bitWidth
        var values = [Float](repeating: 0, count: count)
        var elements = values.mutableSpan
        StoredScalar.decode(stored.span, as: tensor.dtype, into: &elements)
        let (left, right) = (left.span, right.span)
        var sums = [Float](repeating: 0, count: min(count, columns))
        var done = 0
        while done < count {
            let (row, column) = ((start + done) / columns, (start + done) % columns)
            let width = min(columns - column, count - done)
            var sum = sums.mutableSpan
            for index in 0..<width { sum[index] = 0 }
            for term in 0..<rank {
                let factor = left[row * rank + term]
                let terms = right.extracting(term * columns + column..<term * columns + column + width)
                for index in terms.indices { sum[index] += factor * terms[index] }
            }
            for index in 0..<width { elements[done + index] += scale * sum[index] }
            done += width
        }
        var bytes = stored
        var target = bytes.mutableSpan
        return Rounder(.nearest, to: tensor.dtype, tensor: tensor.name).encode(elements.span, from: 0, into: &target) ? bytes : nil
    }
}
