/// The tokens `<0x00>` to `<0xFF>` of a vocabulary, which spell characters that have no token of their own.
struct ByteTokens: Sendable {
    /// By byte; -1 where there is none.
    let identifiers: [Int32]

    init(_ vocabulary: Vocabulary) {
        identifiers = (UInt8.min...UInt8.max).map { vocabulary[Self.token(of: $0)] ?? -1 }
    }

    /// Calls `append` with the tokens of bytes; false where one of them has none, and then with nothing.
    func append(of bytes: [UInt8], _ append: (Int32) -> Void) -> Bool {
        guard bytes.allSatisfy({ identifiers[Int($0)] >= 0 }) else { return false }
        for byte in bytes { append(identifiers[Int(byte)]) }
        return true
    }

    static func token(of byte: UInt8) -> [UInt8] {
        let digits = Array("0123456789ABCDEF".utf8)
        return Array("<0x".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)], UInt8(ascii: ">")]
    }
}
