/// A map from integers to integers: a hash table in two arrays, which is all that the innermost loops look into.
struct IntegerTable: Sendable {
    /// Of free places, `Self.free`.
    private var keys: [UInt64]
    private var values: [UInt64]
    private var shift: UInt64
    private(set) var count = 0

    /// No key may be this.
    private static let free = UInt64.max
    /// Of each process its own, so that no file can be written whose keys collide.
    private static let multiplier = UInt64.random(in: 0...UInt64.max) | 1

    /// - Parameter capacity: how many keys it has room for before it grows.
    init(capacity: Int = 8) {
        let places = max(16, capacity.nextPowerOf2 * 2)
        keys = Array(repeating: Self.free, count: places)
        values = Array(repeating: 0, count: places)
        shift = UInt64(64 - places.trailingZeroBitCount)
    }

    /// Nil of a key that is not there; it cannot be taken out again.
    subscript(key: UInt64) -> UInt64? {
        @inline(__always) get {
            let place = place(of: key)
            return keys[place] == key ? values[place] : nil
        }
        set {
            guard let newValue, !insert(key, newValue) else { return }
            values[place(of: key)] = newValue
        }
    }

    func contains(_ key: UInt64) -> Bool { keys[place(of: key)] == key }

    /// What was there stays: false then.
    @discardableResult
    mutating func insert(_ key: UInt64, _ value: UInt64) -> Bool {
        precondition(key != Self.free)
        if (count + 1) * 2 > keys.count { grow() }
        let place = place(of: key)
        guard keys[place] != key else { return false }
        (keys[place], values[place]) = (key, value)
        count += 1
        return true
    }

    /// Calls `body` with every key and its value, in no particular order.
    func forEach(_ body: (UInt64, UInt64) -> Void) {
        for place in keys.indices where keys[place] != Self.free { body(keys[place], values[place]) }
    }

    /// The place that holds the key, or the free one where it belongs.
    @inline(__always)
    private func place(of key: UInt64) -> Int {
        let mask = keys.count - 1
        let mixed = (key ^ key >> 32) &* Self.multiplier
        var place = Int(truncatingIfNeeded: mixed &>> shift)
        while keys[place] != key, keys[place] != Self.free { place = (place + 1) & mask }
        return place
    }

    private mutating func grow() {
        var larger = IntegerTable(capacity: keys.count)
        forEach { larger.insert($0, $1) }
        self = larger
    }
}

extension Int {
    /// The smallest power of two that is not less.
    fileprivate var nextPowerOf2: Int { self <= 1 ? 1 : 1 << (Int.bitWidth - (self - 1).leadingZeroBitCount) }
}
