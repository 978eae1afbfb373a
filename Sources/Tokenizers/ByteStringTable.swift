/// Byte strings numbered in the order they came in: a hash table whose keys lie end to end in one array.
struct ByteStringTable: Sendable {
    private var bytes: [UInt8] = []
    /// Where each string ends in `bytes`; it begins where the one before it ends.
    private var ends: [Int] = []
    private var hashes: [Int] = []
    /// Index of a string + 1, or 0 where free; a power of two of them, at most half in use.
    private var slots: [Int32] = Array(repeating: 0, count: 16)

    var count: Int { ends.count }

    /// The string of that index.
    subscript(index: Int) -> ArraySlice<UInt8> { bytes[start(of: index)..<ends[index]] }

    private func start(of index: Int) -> Int { index == 0 ? 0 : ends[index - 1] }

    /// The index of a string that is there; nil else.
    func index(of string: Span<UInt8>) -> Int? {
        let found = slots[slot(of: string, hash: Self.hash(string))]
        return found == 0 ? nil : Int(found) - 1
    }

    func index(of string: [UInt8]) -> Int? { index(of: string.span) }

    /// The index of the string, which is added where it is not there yet.
    mutating func insert(_ string: Span<UInt8>) -> (index: Int, isNew: Bool) {
        let hash = Self.hash(string)
        var slot = slot(of: string, hash: hash)
        if slots[slot] != 0 { return (Int(slots[slot]) - 1, false) }
        if (ends.count + 1) * 2 > slots.count {
            grow()
            slot = self.slot(of: string, hash: hash)
        }
        for position in string.indices { bytes.append(string[position]) }
        ends.append(bytes.count)
        hashes.append(hash)
        slots[slot] = Int32(ends.count)
        return (ends.count - 1, true)
    }

    /// The slot that holds the string, or the free one where it belongs.
    private func slot(of string: Span<UInt8>, hash: Int) -> Int {
        let mask = slots.count - 1
        var slot = hash & mask
        while slots[slot] != 0, !holds(string, hash: hash, at: Int(slots[slot]) - 1) { slot = (slot + 1) & mask }
        return slot
    }

    private func holds(_ string: Span<UInt8>, hash: Int, at index: Int) -> Bool {
        guard hashes[index] == hash else { return false }
        let start = start(of: index)
        guard ends[index] - start == string.count else { return false }
        for offset in string.indices where bytes[start + offset] != string[offset] { return false }
        return true
    }

    private mutating func grow() {
        slots = Array(repeating: 0, count: slots.count * 2)
        let mask = slots.count - 1
        for index in ends.indices {
            var slot = hashes[index] & mask
            while slots[slot] != 0 { slot = (slot + 1) & mask }
            slots[slot] = Int32(index + 1)
        }
    }

    /// Seeded in each process, so that no file and no text can be written to collide.
    @inline(__always)
    private static func hash(_ string: Span<UInt8>) -> Int {
        let (first, second) = seeds
        var hash = UInt64(truncatingIfNeeded: string.count) ^ first
        var word: UInt64 = 0
        for position in string.indices {
            word = word << 8 | UInt64(string[position])
            guard position & 7 == 7 else { continue }
            hash = folded(hash ^ word, second)
            word = 0
        }
        return Int(truncatingIfNeeded: folded(hash ^ word, second))
    }

    private static let seeds = (UInt64.random(in: 0...UInt64.max), UInt64.random(in: 0...UInt64.max) | 1)

    /// Both halves of the product: each bit of it depends on all of both numbers.
    @inline(__always)
    private static func folded(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }
}
