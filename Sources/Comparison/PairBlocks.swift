internal import Tensors

/// Adds up stored pairs block by block. Keeps the buffers that a block is decoded into, where it has to be.
struct PairBlocks {
    /// Elements of a block: both sides of it stay in the nearest cache.
    private static let blockSize = 1024

    private let dtypes: (before: DType, after: DType)
    private var decodedBefore: [Float] = []
    private var decodedAfter: [Float] = []
    private var differences: [Float] = []
    private(set) var sums: DifferenceSums
    /// Nil where they are not asked for.
    private(set) var values: PairValues?

    init(_ before: DType, _ after: DType, countingValues: Bool) {
        precondition(before.isComputable && after.isComputable)
        dtypes = (before, after)
        sums = DifferenceSums(before, after)
        if countingValues { values = PairValues(dtypes) }
    }

    /// Adds elements as they are stored, as many on either side.
    mutating func add(_ before: Span<UInt8>, _ after: Span<UInt8>, count: Int) {
        let (widthBefore, widthAfter) = (dtypes.before.bitWidth / 8, dtypes.after.bitWidth / 8)
        precondition(before.count == count * widthBefore && after.count == count * widthAfter)
        var start = 0
        while start < count {
            let end = min(start + Self.blockSize, count)
            addBlock(
                before.extracting(start * widthBefore..<end * widthBefore), after.extracting(start * widthAfter..<end * widthAfter),
                count: end - start)
            start = end
        }
    }

    private mutating func addBlock(_ before: Span<UInt8>, _ after: Span<UInt8>, count: Int) {
        if let block = count.isMultiple(of: 8) ? laneSums(before, after, count: count) : nil, block.areOrdinary {
            sums.add(block)
        } else {
            decode(before, after, count: count)
            sums.add(pairSums(before, after, count: count))
        }
        guard values != nil else { return }
        decode(before, after, count: count)
        if differences.isEmpty { differences = decodedBefore }
        values?.add(decodedBefore, decodedAfter, count: count, differences: &differences)
    }

    /// The sums of a block by lanes, a multiple of eight pairs; they count only where they are ordinary.
    private mutating func laneSums(_ before: Span<UInt8>, _ after: Span<UInt8>, count: Int) -> DifferenceSums {
        switch (dtypes.before, dtypes.after) {
        case (.bf16, .bf16):
            return before.isEqual(to: after) ? DifferenceSums(unchangedBrain: before) : DifferenceSums(brain: before, after)
        case (.f32, .f32): return DifferenceSums(floats: before, after, StoredChanges(before, after, byteWidth: 4))
        default:
            decode(before, after, count: count)
            let (a, b) = (decodedBefore.span.extracting(0..<count), decodedAfter.span.extracting(0..<count))
            guard dtypes.before != dtypes.after else {
                return DifferenceSums(floats: a, b, StoredChanges(before, after, byteWidth: dtypes.before.bitWidth / 8))
            }
            var block = DifferenceSums(floats: a, b, nil)
            for index in a.indices { block.changed += a[index] == b[index] ? 0 : 1 }
            return block
        }
    }

    private mutating func decode(_ before: Span<UInt8>, _ after: Span<UInt8>, count: Int) {
        Self.decode(before, as: dtypes.before, count: count, into: &decodedBefore)
        Self.decode(after, as: dtypes.after, count: count, into: &decodedAfter)
    }

    private static func decode(_ stored: Span<UInt8>, as dtype: DType, count: Int, into values: inout [Float]) {
        if values.isEmpty { values = [Float](repeating: 0, count: blockSize) }
        var buffer = values.mutableSpan
        var target = buffer._mutatingExtracting(0..<count)
        StoredScalar.decode(stored, as: dtype, into: &target)
    }

    /// The sums of a block that is decoded, pair by pair in Double: whatever is not finite is counted and left out.
    private func pairSums(_ before: Span<UInt8>, _ after: Span<UInt8>, count: Int) -> DifferenceSums {
        var block = DifferenceSums(dtypes.before, dtypes.after)
        let width = dtypes.before == dtypes.after ? dtypes.before.bitWidth / 8 : nil
        for index in 0..<count {
            let distance = width.map {
                StoredChanges.distance(before.littleEndian(index * $0, $0), after.littleEndian(index * $0, $0), byteWidth: $0)
            }
            block.add(decodedBefore[index], decodedAfter[index], distance: distance)
        }
        return block
    }
}

extension DifferenceSums {
    /// Of no pair yet.
    init(_ before: DType, _ after: DType) {
        self.init()
        if before != after { ulps = nil }
    }

    /// Adds one pair.
    ///
    /// - Parameter distance: in units in the last place; nil where the dtypes differ.
    fileprivate mutating func add(_ a: Float, _ b: Float, distance: Int?) {
        elements += 1
        before.count(a)
        after.count(b)
        let differs = distance.map { $0 > 0 } ?? (a != b && !(a.isNaN && b.isNaN))
        changed += differs ? 1 : 0
        guard a.isFinite && b.isFinite else { return }
        compared += 1
        if let distance { ulps?.add(Ulps(sum: Double(distance), largest: distance)) }
        let (x, y) = (Double(a), Double(b))
        let d = y - x
        largest = max(largest, abs(d))
        difference += d
        magnitude += abs(d)
        squares += d * d
        beforeSquares += x * x
        afterSquares += y * y
        product += x * y
        alignment += x * d
    }
}

extension DifferenceSums.NonFinite {
    fileprivate mutating func count(_ value: Float) {
        nan += value.isNaN ? 1 : 0
        infinite += value.isInfinite ? 1 : 0
    }
}
