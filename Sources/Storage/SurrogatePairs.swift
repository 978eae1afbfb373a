/// Escaped characters beyond U+FFFF (`\ud83d\ude00`), written out as UTF-8 before json-c sees them: its version 0.16 turns
/// those whose low 16 bits look like half a pair, such as U+1D804, into U+FFFD.
enum SurrogatePairs {
    /// The text with every escaped pair written out; nil where there is none, which is nearly always.
    static func writtenOut(_ bytes: Span<UInt8>) -> [UInt8]? {
        guard let first = firstPair(in: bytes, from: 0) else { return nil }
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var (start, next) = (0, Optional(first))
        while let pair = next {
            for index in start..<pair.offset { result.append(bytes[index]) }
            result += String(pair.scalar).utf8
            start = pair.offset + 12
            next = firstPair(in: bytes, from: start)
        }
        for index in start..<bytes.count { result.append(bytes[index]) }
        return result
    }

    private static func firstPair(in bytes: Span<UInt8>, from start: Int) -> (offset: Int, scalar: Unicode.Scalar)? {
        var index = start
        while index + 12 <= bytes.count {
            guard bytes[index] == UInt8(ascii: "\\") else {
                index += 1
                continue
            }
            if let escape = JSONString.escape(at: index, in: bytes), escape.length == 12 { return (index, escape.scalar) }
            // Whatever is escaped here is not the start of another escape.
            index += 2
        }
        return nil
    }
}
