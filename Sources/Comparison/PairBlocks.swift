internal import Tensors

/// Adds up stored pairs block by block. Keeps the buffers that a block is decoded into.
struct PairBlocks {
    /// Elements of a block: what is decoded stays in the nearest cache.
    private static let blockSize = 1024

    private let dtypes: (before: DType, after: DType)
    private var decodedBefore = [Float](repeating: 0, count: blockSize)
    private var decodedAfter = [Float](repeating: 0, count: blockSize)
    private var differences: [Float] = []
    private(set) var sums = DifferenceSums()
    /// Nil where they are not asked for.
    private(set) var values: PairValues?

    init(_ before: DType, _ after: DType, countingValues: Bool) {
        precondition(before.isComputable && after.isComputable)
        dtypes = (before, after)
        if countingValues {
            values = PairValues(dtypes)
            differences = decodedBefore
        }
        if before != after { sums.ulps = nil }
    }

    /// Adds elements as they are stored, as many on either side.
    mutating func add(_ before: Span<UInt8>, _ after: Span<UInt8>, count: Int) {
        let (widthBefore, widthAfter) = (dtypes.before.bitWidth / 8, dtypes.after.bitWidth / 8)
        precondition(before.count == count * widthBefore && after.count == count * widthAfter)
        var start = 0
        while start < count {
            let end = min(start + Self.blockSize, count)
            sums.add(
                before.extracting(start * widthBefore..<end * widthBefore), after.extracting(start * widthAfter..<end * widthAfter),
                as: dtypes, &decodedBefore, &decodedAfter)
            values?.add(decodedBefore, decodedAfter, count: end - start, differences: &differences)
            start = end
        }
    }
}

extension DifferenceSums {
    /// Adds a block of stored pairs, which is decoded into the two buffers.
    fileprivate mutating func add(
        _ storedBefore: Span<UInt8>, _ storedAfter: Span<UInt8>, as dtypes: (before: DType, after: DType),
        _ decodedBefore: inout [Float], _ decodedAfter: inout [Float]
    ) {
        let count = storedBefore.count * 8 / dtypes.before.bitWidth
        let common = dtypes.before == dtypes.after ? dtypes.before : nil
        var bufferBefore = decodedBefore.mutableSpan, bufferAfter = decodedAfter.mutableSpan
        var a = bufferBefore._mutatingExtracting(0..<count), b = bufferAfter._mutatingExtracting(0..<count)
        StoredScalar.decode(storedBefore, as: dtypes.before, into: &a)
        let changes = common.map { StoredChanges(storedBefore, storedAfter, byteWidth: $0.bitWidth / 8) }
        if changes?.count == 0 {
            let block = BlockSums(unchanged: a.span)
            if block.areOrdinary {
                for index in a.indices { b[index] = a[index] }
                add(block, changes, changed: 0, elements: count)
                return
            }
        }
        StoredScalar.decode(storedAfter, as: dtypes.after, into: &b)
        let block = BlockSums(a.span, b.span)
        if block.areOrdinary {
            add(block, changes, changed: changes?.count ?? Self.changed(a.span, b.span), elements: count)
        } else {
            addCarefully(a.span, b.span, dtype: common, storedBefore, storedAfter)
        }
    }

    fileprivate mutating func add(_ block: BlockSums, _ changes: StoredChanges?, changed count: Int, elements newElements: Int) {
        elements += newElements
        compared += newElements
        changed += count
        if let changes {
            ulps?.add(changes.ulps, largest: changes.largest)
        }
        largest = max(largest, Double(block.largest))
        difference += block.difference
        magnitude += block.magnitude
        squares += block.squares
        beforeSquares += block.beforeSquares
        afterSquares += block.afterSquares
        product += block.product
        alignment += block.alignment
    }

    /// How many values differ.
    fileprivate static func changed(_ before: Span<Float>, _ after: Span<Float>) -> Int {
        var count = 0
        for index in before.indices { count += before[index] == after[index] ? 0 : 1 }
        return count
    }

    /// The same as a block's sums, pair by pair in Double: whatever is not finite is counted and left out.
    ///
    /// - Parameter dtype: what both sides are stored as; nil where they differ.
    fileprivate mutating func addCarefully(
        _ before: Span<Float>, _ after: Span<Float>, dtype: DType?, _ storedBefore: Span<UInt8>, _ storedAfter: Span<UInt8>
    ) {
        for index in before.indices {
            let (a, b) = (before[index], after[index])
            elements += 1
            self.before.count(a)
            self.after.count(b)
            let width = (dtype?.bitWidth ?? 0) / 8
            let distance = dtype.map { _ in
                StoredChanges.distance(
                    storedBefore.littleEndian(index * width, width), storedAfter.littleEndian(index * width, width), byteWidth: width)
            }
            let differs = distance.map { $0 > 0 } ?? (a != b && !(a.isNaN && b.isNaN))
            changed += differs ? 1 : 0
            guard a.isFinite && b.isFinite else { continue }
            compared += 1
            if let distance { ulps?.add(distance, largest: distance) }
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
}

extension DifferenceSums.NonFinite {
    fileprivate mutating func count(_ value: Float) {
        nan += value.isNaN ? 1 : 0
        infinite += value.isInfinite ? 1 : 0
    }
}

extension DifferenceSums.Ulps {
    fileprivate mutating func add(_ distance: Int, largest other: Int) {
        sum += Double(distance)
        largest = max(largest, other)
    }
}
