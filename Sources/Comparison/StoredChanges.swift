/// How the stored elements of a block differ: how many, and by how many units in the last place.
///
/// The distance of two elements is how many steps it takes from one to the other through all values of the type, in their
/// order; -0 and +0 are neighbours, so whatever differs in its bits is at least one unit apart.
struct StoredChanges: Sendable {
    var count = 0
    /// The sum of all distances.
    var ulps = 0
    var largest = 0

    /// Of none.
    init() {}

    /// Of elements of 16 or 32 bits: a multiple of eight, and no more than 2^16.
    init(_ before: Span<UInt8>, _ after: Span<UInt8>, byteWidth: Int) {
        if byteWidth == 2 {
            var steps = StoredSteps()
            before.forEachPair(with: after, as: SIMD8<Int16>.self) { steps.add($0, $1) }
            self = steps.changes(of: before.count / 2)
        } else {
            addLong(before, after)
        }
    }

    /// Of single elements, by their bits.
    static func distance(_ before: UInt32, _ after: UInt32, byteWidth: Int) -> Int {
        let shift = UInt32(32 - 8 * byteWidth)
        let (a, b) = (Int32(bitPattern: before << shift) >> Int32(shift), Int32(bitPattern: after << shift) >> Int32(shift))
        let magnitude = Int32.max >> Int32(shift)
        return abs(Int(a ^ ((a >> 31) & magnitude)) - Int(b ^ ((b >> 31) & magnitude)))
    }

    /// 32 bits each.
    private mutating func addLong(_ before: Span<UInt8>, _ after: Span<UInt8>) {
        var (changed, total, most): (UInt32, UInt64, UInt32) = (0, 0, 0)
        before.forEachPair(with: after, as: Int32.self) { a, b in
            let x = a ^ ((a &>> 31) & 0x7FFF_FFFF), y = b ^ ((b &>> 31) & 0x7FFF_FFFF)
            let distance = UInt32(truncatingIfNeeded: max(x, y) &- min(x, y))
            changed &+= min(distance, 1)
            total &+= UInt64(distance)
            most = max(most, distance)
        }
        (count, ulps, largest) = (Int(changed), Int(total), Int(most))
    }
}

/// The changes of elements of 16 bits, eight at a time, up to 2^16 of them.
struct StoredSteps {
    private var equal = SIMD8<Int16>.zero
    private var most = SIMD8<Int16>(repeating: .min)
    private var sum = SIMD4<UInt32>.zero
    private var high = SIMD4<UInt32>.zero

    @inline(__always)
    mutating func add(_ a: SIMD8<Int16>, _ b: SIMD8<Int16>) {
        // Negative numbers the other way round: the order of the integers is that of the values.
        let x = a ^ ((a &>> 15) & 0x7FFF), y = b ^ ((b &>> 15) & 0x7FFF)
        let distance = x.replacing(with: y, where: y .> x) &- y.replacing(with: x, where: y .> x)
        equal &-= SIMD8<Int16>.zero.replacing(with: -1, where: a .== b)
        // Neighbours are added as one integer, modulo 2^32, and the second of them apart: the first's sum is what remains.
        let two = distance.joined
        sum &+= two
        high &+= two &>> 16
        // Less 2^15, so that signed integers have the order of the distances.
        let turned = distance ^ .min
        most.replace(with: turned, where: turned .> most)
    }

    /// - Parameter elements: how many were added.
    func changes(of elements: Int) -> StoredChanges {
        precondition(elements <= 1 << 16)
        var changes = StoredChanges()
        changes.count = elements - (0..<8).reduce(0) { $0 + Int(equal[$1]) }
        changes.ulps = (0..<4).reduce(0) { $0 + Int(high[$1]) + Int(sum[$1] &- high[$1] &<< 16) }
        changes.largest = Int(most.max()) + 1 << 15
        return changes
    }
}

extension Span<UInt8> {
    /// The integer of so many bytes that begins at an offset.
    func littleEndian(_ offset: Int, _ byteWidth: Int) -> UInt32 {
        (0..<byteWidth).reduce(0) { $0 | UInt32(self[offset + $1]) << UInt32(8 * $1) }
    }
}
