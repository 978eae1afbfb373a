/// Merges the symbols of one stretch of text: the pair of lowest rank first, the leftmost of equals, until none is left.
struct SymbolMerger {
    /// The symbols so far; a merge puts its result in the left place and empties the right one.
    private(set) var symbols: [Int32] = []
    /// By place: the next one that is in use, or the number of places.
    private var next: [Int32] = []
    private var previous: [Int32] = []
    /// A binary heap of merges to come, lowest first: rank << 32 | place of the left symbol.
    private var queue: [UInt64] = []

    private static let removed: Int32 = -1

    mutating func append(_ symbol: Int32) { symbols.append(symbol) }

    /// Appends the merged symbols to `identifiers` and forgets them.
    mutating func finish(_ merges: MergeTable, into identifiers: inout [Int32]) {
        defer { symbols.removeAll(keepingCapacity: true) }
        guard symbols.count > 1 else { return identifiers.append(contentsOf: symbols) }
        next.removeAll(keepingCapacity: true)
        previous.removeAll(keepingCapacity: true)
        for place in symbols.indices {
            next.append(Int32(place + 1))
            previous.append(Int32(place - 1))
        }
        for place in symbols.indices.dropLast() { offer(place, merges) }
        while let first = popFirst() {
            let left = Int(first & 0xFFFF_FFFF)
            let right = Int(next[left])
            // What has merged since it was put in line is not that pair any more.
            guard symbols[left] != Self.removed, right < symbols.count, let merge = merges.merge(symbols[left], symbols[right]),
                UInt64(merge.rank) == first >> 32
            else { continue }
            symbols[left] = merge.result
            symbols[right] = Self.removed
            next[left] = next[right]
            if Int(next[left]) < symbols.count {
                previous[Int(next[left])] = Int32(left)
                offer(left, merges)
            }
            if previous[left] >= 0 { offer(Int(previous[left]), merges) }
        }
        for symbol in symbols where symbol != Self.removed { identifiers.append(symbol) }
    }

    private mutating func offer(_ place: Int, _ merges: MergeTable) {
        guard let merge = merges.merge(symbols[place], symbols[Int(next[place])]) else { return }
        queue.append(UInt64(merge.rank) << 32 | UInt64(place))
        var child = queue.count - 1
        while child > 0, case let parent = (child - 1) / 2, queue[child] < queue[parent] {
            queue.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func popFirst() -> UInt64? {
        guard let first = queue.first else { return nil }
        let last = queue.removeLast()
        guard !queue.isEmpty else { return first }
        queue[0] = last
        var parent = 0
        while case var child = parent * 2 + 1, child < queue.count {
            if child + 1 < queue.count, queue[child + 1] < queue[child] { child += 1 }
            guard queue[child] < queue[parent] else { break }
            queue.swapAt(child, parent)
            parent = child
        }
        return first
    }
}
