/// Byte strings with a number each, to be found where they begin in a text.
struct ByteTrie: Sendable {
    /// From node << 8 | byte to the node behind it; node 0 is the root.
    private var edges = IntegerTable()
    /// By node: the number of the string that ends there, or -1.
    private var numbers: [Int32] = [-1]

    var isEmpty: Bool { numbers.count == 1 }

    /// False where the string is there already.
    mutating func insert(_ string: some Sequence<UInt8>, _ number: Int32) -> Bool {
        var node = 0
        for byte in string {
            if let child = child(of: node, byte) {
                node = child
            } else {
                edges.insert(UInt64(node) << 8 | UInt64(byte), UInt64(numbers.count))
                node = numbers.count
                numbers.append(-1)
            }
        }
        guard numbers[node] < 0 else { return false }
        numbers[node] = number
        return true
    }

    /// A step from one node to another.
    struct Edge {
        let parent: Int
        let label: UInt8
        let child: Int
    }

    var nodeCount: Int { numbers.count }

    func number(of node: Int) -> Int32 { numbers[node] }

    /// Every step, those from one node together and no node's before the step that leads to it.
    var edgesInOrder: [Edge] {
        var pairs: [(key: UInt64, child: UInt64)] = []
        pairs.reserveCapacity(edges.count)
        edges.forEach { pairs.append(($0, $1)) }
        pairs.sort { $0.key < $1.key }
        return pairs.map { Edge(parent: Int($0.key >> 8), label: UInt8(truncatingIfNeeded: $0.key), child: Int($0.child)) }
    }

    @inline(__always)
    private func child(of node: Int, _ byte: UInt8) -> Int? {
        edges[UInt64(node) << 8 | UInt64(byte)].map { Int(truncatingIfNeeded: $0) }
    }

    /// Calls `body` with each string that lies at `start`, the shortest first: where it ends, and its number.
    @inline(__always)
    func forEachMatch(in text: Span<UInt8>, at start: Int, _ body: (_ end: Int, _ number: Int32) -> Void) {
        var node = 0
        var position = start
        while position < text.count, let child = child(of: node, text[position]) {
            node = child
            position += 1
            if numbers[node] >= 0 { body(position, numbers[node]) }
        }
    }

    /// The longest of the strings that lie at `start`.
    func longestMatch(in text: Span<UInt8>, at start: Int) -> (end: Int, number: Int32)? {
        var longest: (Int, Int32)?
        forEachMatch(in: text, at: start) { longest = ($0, $1) }
        return longest
    }
}
