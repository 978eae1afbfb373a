/// A string in JSON text: where it ends, and what it says.
enum JSONString {
    /// The place of the closing quote of the string that opens at `start`.
    ///
    /// Throws where the text ends before, and where it holds a control character, half a surrogate pair, or an escape that RFC 8259
    /// does not have.
    static func end(from start: Int, in text: Span<UInt8>) throws(JSONSyntaxError) -> Int {
        var index = start + 1
        while index < text.count {
            switch text[index] {
            case UInt8(ascii: "\""): return index
            case 0x00..<0x20: throw JSONSyntaxError(offset: index, reason: "a string holds a control character")
            case UInt8(ascii: "\\"):
                guard let escape = escape(at: index, in: text) else {
                    let isHalf = codeUnit(at: index, in: text) != nil
                    throw JSONSyntaxError(
                        offset: index, reason: isHalf ? "a string holds half a surrogate pair" : "a string holds an unknown escape")
                }
                index += escape.length
            default: index += 1
            }
        }
        throw JSONSyntaxError(offset: text.count, reason: "the text ends within a string")
    }

    /// What stands between the quotes, its escapes undone, of a string whose `end` was found.
    static func decoded(_ range: Range<Int>, in text: Span<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(range.count)
        var index = range.lowerBound
        while index < range.upperBound {
            if text[index] == UInt8(ascii: "\\"), let escape = escape(at: index, in: text) {
                bytes += String(escape.scalar).utf8
                index += escape.length
            } else {
                bytes.append(text[index])
                index += 1
            }
        }
        return bytes
    }

    /// The character that the escape at `index` stands for, and how long the escape is: 12 for a surrogate pair. Nil where there is none.
    static func escape(at index: Int, in text: Span<UInt8>) -> (scalar: Unicode.Scalar, length: Int)? {
        guard index + 1 < text.count, text[index] == UInt8(ascii: "\\") else { return nil }
        switch text[index + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return (Unicode.Scalar(text[index + 1]), 2)
        case UInt8(ascii: "b"): return ("\u{8}", 2)
        case UInt8(ascii: "f"): return ("\u{C}", 2)
        case UInt8(ascii: "n"): return ("\n", 2)
        case UInt8(ascii: "r"): return ("\r", 2)
        case UInt8(ascii: "t"): return ("\t", 2)
        default: break
        }
        guard let unit = codeUnit(at: index, in: text) else { return nil }
        if let scalar = Unicode.Scalar(unit) { return (scalar, 6) }
        guard unit < 0xDC00, let low = codeUnit(at: index + 6, in: text), 0xDC00..<0xE000 ~= low,
            let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
        else { return nil }
        return (scalar, 12)
    }

    /// XXXX of `\uXXXX`; nil where that is not there.
    private static func codeUnit(at index: Int, in text: Span<UInt8>) -> UInt32? {
        guard index + 6 <= text.count, text[index] == UInt8(ascii: "\\"), text[index + 1] == UInt8(ascii: "u") else { return nil }
        var unit: UInt32 = 0
        for place in index + 2..<index + 6 {
            guard let digit = Character(Unicode.Scalar(text[place])).hexDigitValue else { return nil }
            unit = unit << 4 | UInt32(digit)
        }
        return unit
    }
}

/// A member's name by its bytes: Swift's strings compare by canonical equivalence.
struct JSONName: Hashable {
    let bytes: [UInt8]

    /// All at once: that is what makes a large object's names cheap to look up.
    func hash(into hasher: inout Hasher) { unsafe bytes.withUnsafeBytes { unsafe hasher.combine(bytes: $0) } }

    /// The error of a second member of this name, which is written at `offset`.
    func repeated(at offset: Int) -> JSONSyntaxError {
        let text = String(decoding: bytes, as: UTF8.self)
        let shown = JSONValue.string(text.count > 64 ? text.prefix(64) + "…" : text).serialized()
        return JSONSyntaxError(offset: offset, reason: "the name \(shown) is there twice", repeatedName: text)
    }
}
