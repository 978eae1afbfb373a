/// How often each value occurs, values in their order: a bin for each leading part of a Float's bits.
///
/// With 16 bits every BF16 value has a bin of its own, with 20 every F16 value too; F32 values that agree in the leading 12 bits of
/// their significand share one.
struct ValueCounts: Sendable {
    private let shift: UInt32
    private(set) var counts: [Int]

    static let coarse = 16
    static let fine = 20

    init(bits: Int) {
        shift = UInt32(32 - bits)
        counts = [Int](repeating: 0, count: 1 << bits)
    }

    mutating func add(_ values: Span<Float>) {
        let shift = shift
        for index in values.indices {
            // -0 becomes 0: they are one value.
            let bits = (values[index] + 0).bitPattern
            let order = bits ^ (UInt32(bitPattern: Int32(bitPattern: bits) >> 31) | 0x8000_0000)
            counts[Int(order >> shift)] &+= 1
        }
    }

    /// Adds another's counts, which has as many bins or more.
    mutating func add(_ other: ValueCounts) {
        let finer = Int(shift - other.shift)
        for bin in other.counts.indices where other.counts[bin] > 0 { counts[bin >> finer] += other.counts[bin] }
    }

    /// The bins of finite values.
    var finiteBins: Range<Int> {
        let infinity = Int((Float.infinity.bitPattern | 0x8000_0000) >> shift)
        return counts.count - infinity..<infinity
    }

    /// The value in a bin that is nearest to 0.
    func value(of bin: Int) -> Double {
        let order = UInt32(bin) << shift
        let bits = order & 0x8000_0000 != 0 ? order ^ 0x8000_0000 : (~order >> shift) << shift
        return Double(Float(bitPattern: bits))
    }

    /// How many values are finite.
    var total: Int { counts[finiteBins].reduce(0, +) }
}
