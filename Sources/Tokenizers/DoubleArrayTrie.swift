/// The strings of a `ByteTrie` laid out in one array (Aoe, 1989), where a step from byte to byte is one look.
///
/// A node with something behind it has a base of its own; what lies behind it at a byte is the unit at base ^ byte, if that has the
/// byte for its label. Units come in blocks of 256, and a node's all lie in one block.
struct DoubleArrayTrie: Sendable {
    struct Unit: Sendable {
        /// The byte that leads here, or `free`.
        fileprivate var label = Unit.free
        /// 0 where nothing lies behind: the first block is never used.
        fileprivate var base: UInt32 = 0
        /// The number of the string that ends here, or -1.
        fileprivate(set) var number: Int32 = -1

        fileprivate static let free: UInt16 = 256
    }

    private var units = [Unit](repeating: Unit(), count: 256)
    /// Nothing has been read yet.
    private(set) var root = Unit()
    /// By base: whether a node has it.
    private var isTaken = [Bool](repeating: true, count: 256)

    init(_ trie: ByteTrie) {
        var places = [Int](repeating: -1, count: trie.nodeCount)
        let edges = trie.edgesInOrder
        var first = 0
        while first < edges.count {
            let parent = edges[first].parent
            let end = edges[first...].firstIndex { $0.parent != parent } ?? edges.count
            let base = place(edges[first..<end])
            if parent == 0 { root.base = UInt32(base) } else { units[places[parent]].base = UInt32(base) }
            for edge in edges[first..<end] {
                units[base ^ Int(edge.label)] = Unit(label: UInt16(edge.label), number: trie.number(of: edge.child))
                places[edge.child] = base ^ Int(edge.label)
            }
            first = end
        }
        isTaken = []
    }

    /// A base for a node: one that leads to free units only. The last few blocks are looked through, so that the time stays linear.
    private mutating func place(_ edges: ArraySlice<ByteTrie.Edge>) -> Int {
        let label = Int(edges[edges.startIndex].label)
        for slot in max(256, units.count - 16 * 256)..<max(256, units.count) where units[slot].label == Unit.free {
            let base = slot ^ label
            guard !isTaken[base], edges.allSatisfy({ units[base ^ Int($0.label)].label == Unit.free }) else { continue }
            isTaken[base] = true
            return base
        }
        let base = units.count
        units += repeatElement(Unit(), count: 256)
        isTaken += repeatElement(false, count: 256)
        isTaken[base] = true
        return base
    }

    /// What lies behind `unit` at a byte; nil where no string goes on so.
    @inline(__always)
    func unit(behind unit: Unit, _ byte: UInt8) -> Unit? {
        let next = units[Int(unit.base) ^ Int(byte)]
        return next.label == UInt16(byte) ? next : nil
    }
}
