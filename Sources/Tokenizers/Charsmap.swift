/// SentencePiece's `precompiled_charsmap`: strings and what each becomes, as a double-array trie with the replacements behind it.
struct Charsmap: Sendable {
    /// A unit: a label, whether a leaf hangs beneath it, and the way to what hangs beneath it; or, of a leaf, its value.
    private let units: [UInt32]
    /// Each ends with a 0; the leaves' values are places in here.
    private let replacements: [UInt8]

    /// Layout: the trie's size in bytes, the trie, the replacements. Nil where a unit leads out of the trie or a leaf out of the
    /// replacements, or where these are not UTF-8.
    init?(_ bytes: [UInt8]) {
        guard bytes.count > 4, case let size = Int(Self.integer(bytes, at: 0)), size >= 1024, size.isMultiple(of: 1024),
            size < bytes.count - 4
        else { return nil }
        units = stride(from: 4, to: 4 + size, by: 4).map { Self.integer(bytes, at: $0) }
        replacements = Array(bytes[(4 + size)...])
        guard replacements.last == 0, String(validating: replacements, as: UTF8.self) != nil else { return nil }
        guard Self.label(units[0]) == 0, !Self.hasLeaf(units[0]), Self.offset(units[0]) != 0 else { return nil }
        for (index, unit) in units.enumerated() {
            if Self.label(unit) <= 0xFF {
                let below = index ^ Self.offset(unit)
                guard below | 0xFF < units.count else { return nil }
                if Self.hasLeaf(unit), Self.label(units[below]) <= 0xFF { return nil }
            } else {
                guard case let value = Self.value(unit), value < replacements.count, replacements[value] & 0xC0 != 0x80 else { return nil }
            }
        }
    }

    /// Calls `body` with each string of the map that lies at `start`, the shortest first, until it returns false.
    @inline(__always)
    func forEachMatch(in text: Span<UInt8>, _ range: Range<Int>, _ body: (_ end: Int, _ value: Int) -> Bool) {
        var node = Self.offset(units[0])
        for position in range {
            let byte = text[position]
            // A 0 is no label: it means a leaf.
            guard byte != 0 else { return }
            node ^= Int(byte)
            let unit = units[node]
            guard Self.label(unit) == UInt32(byte) else { return }
            node ^= Self.offset(unit)
            if Self.hasLeaf(unit), !body(position + 1, Self.value(units[node])) { return }
        }
    }

    /// What the map makes of a leaf's strings.
    func replacement(_ value: Int) -> ArraySlice<UInt8> { replacements[value...].prefix { $0 != 0 } }

    private static func hasLeaf(_ unit: UInt32) -> Bool { unit >> 8 & 1 == 1 }
    private static func value(_ unit: UInt32) -> Int { Int(unit & 0x7FFF_FFFF) }
    private static func label(_ unit: UInt32) -> UInt32 { unit & 0x8000_00FF }
    private static func offset(_ unit: UInt32) -> Int { Int(unit >> 10) << Int((unit & 0x200) >> 6) }

    private static func integer(_ bytes: [UInt8], at place: Int) -> UInt32 {
        bytes[place..<place + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
}
