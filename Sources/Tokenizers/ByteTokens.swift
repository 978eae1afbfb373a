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

    /// Tokens `<0xNN>` as the text that each run of them spells; a run that spells none becomes one U+FFFD for each byte.
    static func joined(_ tokens: [[UInt8]]) -> [[UInt8]] {
        var joined: [[UInt8]] = []
        var run: [UInt8] = []
        func flush() {
            if String(validating: run, as: UTF8.self) != nil {
                if !run.isEmpty { joined.append(run) }
            } else {
                joined += Array(repeating: [0xEF, 0xBF, 0xBD], count: run.count)
            }
            run.removeAll()
        }
        for token in tokens {
            if let byte = byte(token) {
                run.append(byte)
            } else {
                flush()
                joined.append(token)
            }
        }
        flush()
        return joined
    }

    /// The byte of a token `<0xNN>`. Rust reads a sign before a single digit too.
    private static func byte(_ token: [UInt8]) -> UInt8? {
        guard token.count == 6, token.starts(with: "<0x".utf8), token[5] == UInt8(ascii: ">") else { return nil }
        guard token[3] != UInt8(ascii: "-") else { return nil }
        return UInt8(String(decoding: token[3...4], as: UTF8.self), radix: 16)
    }
}
