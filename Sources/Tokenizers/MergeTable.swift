/// The merges of a byte-pair encoding: which two neighbouring symbols become which one, and which pair goes first.
struct MergeTable: Sendable {
    struct Merge: Sendable {
        /// The lowest goes first.
        let rank: UInt32
        let result: Int32
    }

    /// From a pair to rank << 32 | result.
    private var merges: IntegerTable
    /// The pairs of symbols between which some merge may take place, at once or after others; nil where any may.
    private var joints: IntegerTable?

    init(capacity: Int) { merges = IntegerTable(capacity: capacity) }

    /// Of merges of the same pair the last counts.
    mutating func insert(_ left: Int32, _ right: Int32, _ merge: Merge) {
        merges[Self.pair(left, right)] = UInt64(merge.rank) << 32 | UInt64(UInt32(bitPattern: merge.result))
    }

    @inline(__always)
    func merge(_ left: Int32, _ right: Int32) -> Merge? {
        guard let packed = merges[Self.pair(left, right)] else { return nil }
        return Merge(rank: UInt32(truncatingIfNeeded: packed >> 32), result: Int32(truncatingIfNeeded: packed))
    }

    /// Whether a merge may ever take place between two neighbouring symbols.
    @inline(__always)
    func mayJoin(_ left: Int32, _ right: Int32) -> Bool { joints?.contains(Self.pair(left, right)) ?? true }

    @inline(__always)
    private static func pair(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    /// Finds the pairs of symbols that may join: a merge joins the last symbol of its left part to the first one of its right part.
    ///
    /// - Parameters:
    ///   - symbols: how many there are, with the results of merges.
    ///   - length: of a symbol, in bytes; a result is longer than its parts.
    ///   - isFirst: whether a word may consist of that symbol before any merge.
    mutating func findJoints(symbols: Int, length: (Int32) -> Int, isFirst: (Int32) -> Bool) {
        var firsts = (0..<Int32(symbols)).map { isFirst($0) ? [$0] : [] }
        var lasts = firsts
        var all: [(left: Int, right: Int, result: Int)] = []
        all.reserveCapacity(merges.count)
        merges.forEach { pair, merge in all.append((Int(pair >> 32), Int(pair & 0xFFFF_FFFF), Int(merge & 0xFFFF_FFFF))) }
        // Shorter ones first: the parts of a symbol are known before it.
        all.sort { length(Int32($0.result)) < length(Int32($1.result)) }
        for merge in all {
            for first in firsts[merge.left] where !firsts[merge.result].contains(first) { firsts[merge.result].append(first) }
            for last in lasts[merge.right] where !lasts[merge.result].contains(last) { lasts[merge.result].append(last) }
        }
        var joints = IntegerTable(capacity: merges.count)
        for merge in all {
            for last in lasts[merge.left] {
                for first in firsts[merge.right] { joints.insert(Self.pair(last, first), 1) }
            }
        }
        self.joints = joints
    }
}
