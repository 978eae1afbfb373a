/// A place in bytes that are read front to back; nil comes where they end before what is asked for, and the place stays.
package struct ByteCursor: Sendable {
    package let bytes: [UInt8]
    package private(set) var position: Int

    package init(_ bytes: [UInt8], at position: Int = 0) {
        precondition(0...bytes.count ~= position)
        self.bytes = bytes
        self.position = position
    }

    package var remaining: Int { bytes.count - position }

    package mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
        guard count >= 0, count <= remaining else { return nil }
        defer { position += count }
        return bytes[position..<position + count]
    }

    /// An unsigned little-endian integer of up to 8 bytes; nil also where it exceeds `Int.max`.
    package mutating func natural(_ width: Int) -> Int? {
        let start = position
        guard let field = take(width), let value = Int(exactly: field.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }) else {
            position = start
            return nil
        }
        return value
    }
}
