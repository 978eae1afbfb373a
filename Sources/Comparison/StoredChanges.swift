/// How the stored elements of a block differ: how many, and by how many units in the last place.
///
/// The distance of two elements is how many steps it takes from one to the other through all values of the type, in their
/// order; -0 and +0 are neighbours, so whatever differs in its bits is at least one unit apart.
struct StoredChanges: Sendable {
    private(set) var count = 0
    /// The sum of all distances.
    private(set) var ulps = 0
    private(set) var largest = 0

    init(_ before: Span<UInt8>, _ after: Span<UInt8>, byteWidth: Int) {
        precondition(before.count == after.count)
        if byteWidth == 2 { addShort(before, after) } else { addLong(before, after) }
    }

    /// Of single elements, by their bits.
    static func distance(_ before: UInt32, _ after: UInt32, byteWidth: Int) -> Int {
        let shift = UInt32(32 - 8 * byteWidth)
        let (a, b) = (Int32(bitPattern: before << shift) >> Int32(shift), Int32(bitPattern: after << shift) >> Int32(shift))
        let magnitude = Int32.max >> Int32(shift)
        return abs(Int(a ^ ((a >> 31) & magnitude)) - Int(b ^ ((b >> 31) & magnitude)))
    }

    /// 16 bits each. In stretches so short that every sum fits into 16 bits too: eight elements to a vector register.
    private mutating func addShort(_ before: Span<UInt8>, _ after: Span<UInt8>) {
        let stretch = 512
        var start = 0
        while start < before.count {
            let range = start..<min(start &+ stretch, before.count)
            addShortStretch(before.extracting(range), after.extracting(range))
            start = range.upperBound
        }
    }

    /// At most 256 elements.
    private mutating func addShortStretch(_ before: Span<UInt8>, _ after: Span<UInt8>) {
        var (changed, low, high, most): (UInt16, UInt16, UInt16, UInt16) = (0, 0, 0, 0)
        before.forEachPair(with: after, as: Int16.self) { a, b in
            // Negative numbers the other way round: the order of the integers is that of the values.
            let x = a ^ ((a &>> 15) & 0x7FFF), y = b ^ ((b &>> 15) & 0x7FFF)
            let distance = UInt16(truncatingIfNeeded: max(x, y) &- min(x, y))
            changed &+= min(distance, 1)
            low &+= distance & 0xFF
            high &+= distance &>> 8
            most = max(most, distance)
        }
        count += Int(changed)
        ulps += Int(low) + Int(high) << 8
        largest = max(largest, Int(most))
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

extension Span<UInt8> {
    /// The integer of so many bytes that begins at an offset.
    func littleEndian(_ offset: Int, _ byteWidth: Int) -> UInt32 {
        (0..<byteWidth).reduce(0) { $0 | UInt32(self[offset + $1]) << UInt32(8 * $1) }
    }
}
