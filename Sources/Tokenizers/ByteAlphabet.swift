/// GPT-2's alphabet of 256 printable characters, one for each byte, in which byte-level vocabularies are written.
enum ByteAlphabet {
    /// The UTF-8 of the bytes' characters, by byte and in pairs; the second of a pair is 0 where one byte is enough.
    private static let characters: [(UInt8, UInt8)] = scalars.map { scalar in
        let utf8 = Array(String(Character(scalar)).utf8)
        return (utf8[0], utf8.count > 1 ? utf8[1] : 0)
    }

    /// Appends the characters of bytes.
    static func append(_ bytes: Span<UInt8>, to characters: inout [UInt8]) {
        let table = Self.characters
        for position in bytes.indices {
            let (first, second) = table[Int(bytes[position])]
            characters.append(first)
            if second != 0 { characters.append(second) }
        }
    }

    /// By code point, for the 324 it reaches up to: the byte the character stands for, or -1.
    private static let bytes: [Int16] = {
        var bytes = [Int16](repeating: -1, count: 324)
        for (byte, scalar) in scalars.enumerated() { bytes[Int(scalar.value)] = Int16(byte) }
        return bytes
    }()

    /// The bytes that the characters of a token stand for; the token itself where one of them is not of this alphabet.
    static func decoded(_ token: [UInt8]) -> [UInt8] {
        let text = token.span
        var decoded: [UInt8] = []
        decoded.reserveCapacity(text.count)
        var position = 0
        while position < text.count {
            let value = Int(text.scalar(at: position).value)
            guard value < bytes.count, bytes[value] >= 0 else { return token }
            decoded.append(UInt8(bytes[value]))
            position += text.scalarLength(at: position)
        }
        return decoded
    }

    /// Printable bytes of Latin-1 stand for themselves; the others follow from U+0100 on, in order.
    private static let scalars: [Unicode.Scalar] = {
        var others: UInt32 = 0x100
        return (UInt8.min...UInt8.max).map { byte in
            switch byte {
            case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return Unicode.Scalar(byte)
            default:
                defer { others += 1 }
                return Unicode.Scalar(others) ?? " "
            }
        }
    }()
}
