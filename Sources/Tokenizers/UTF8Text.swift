/// Steps through valid UTF-8.
extension Span where Element == UInt8 {
    /// The number of bytes of the scalar that begins at `position`.
    func scalarLength(at position: Int) -> Int {
        switch self[position] {
        case ..<0x80: 1
        case ..<0xE0: 2
        case ..<0xF0: 3
        default: 4
        }
    }

    /// The scalar that begins at `position`.
    func scalar(at position: Int) -> Unicode.Scalar {
        let length = scalarLength(at: position)
        var value = length == 1 ? UInt32(self[position]) : UInt32(self[position]) & (0x7F >> UInt32(length))
        for offset in 1..<max(length, 1) { value = value << 6 | UInt32(self[position + offset] & 0x3F) }
        return Unicode.Scalar(value) ?? "\u{FFFD}"
    }

    /// Where the scalar begins that ends before `position`, which is not 0.
    func scalarStart(before position: Int) -> Int {
        var start = position - 1
        while self[start] & 0xC0 == 0x80 { start -= 1 }
        return start
    }

    /// Whether `string` lies at `position`.
    func contains(_ string: [UInt8], at position: Int) -> Bool {
        guard count - position >= string.count else { return false }
        for offset in string.indices where self[position + offset] != string[offset] { return false }
        return true
    }
}

extension Array where Element == UInt8 {
    init(copying span: Span<UInt8>) {
        self = []
        reserveCapacity(span.count)
        append(copying: span)
    }

    mutating func append(copying span: Span<UInt8>) {
        for position in span.indices { append(span[position]) }
    }
}
