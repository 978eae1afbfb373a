internal import Tensors

/// The values of pairs as they are counted: enough for the distributions of a tensor, and of several together.
struct PairValues: Sendable {
    /// The moments of the three, which are added up in a fixed order.
    struct Sides: Sendable {
        var before = Moments()
        var after = Moments()
        var difference = Moments()

        mutating func add(_ other: Sides) {
            before.add(other.before)
            after.add(other.after)
            difference.add(other.difference)
        }
    }

    var moments = Sides()
    private(set) var before: ValueCounts
    private(set) var after: ValueCounts
    private(set) var difference = ValueCounts(bits: ValueCounts.coarse)
    /// Whether no two different values of a side share a bin.
    private(set) var isExact: Bool

    /// For values of those dtypes.
    init(_ dtypes: (before: DType, after: DType)) {
        self.init(
            bits: dtypes.before == .bf16 && dtypes.after == .bf16 ? ValueCounts.coarse : ValueCounts.fine,
            isExact: dtypes.before != .f32 && dtypes.after != .f32)
    }

    /// For values of any dtypes, to a BF16's precision.
    static var coarse: PairValues { PairValues(bits: ValueCounts.coarse, isExact: false) }

    private init(bits: Int, isExact: Bool) {
        (before, after, self.isExact) = (ValueCounts(bits: bits), ValueCounts(bits: bits), isExact)
    }

    /// Adds a block, the first values of two buffers; a third is for their differences, which count where both values are finite.
    mutating func add(_ before: [Float], _ after: [Float], count: Int, differences: inout [Float]) {
        let (old, new) = (before.span.extracting(0..<count), after.span.extracting(0..<count))
        self.before.add(old)
        self.after.add(new)
        for index in old.indices { differences[index] = new[index] - old[index] }
        let span = differences.span.extracting(old.indices)
        difference.add(span)
        moments.add(Sides(before: Moments(old), after: Moments(new), difference: Moments(span)))
    }

    /// Adds another's counts, which have as many bins or more; not its moments.
    mutating func addCounts(_ other: PairValues) {
        before.add(other.before)
        after.add(other.after)
        difference.add(other.difference)
        isExact = isExact && other.isExact
    }
}
