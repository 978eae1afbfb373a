@_spi(_Unicode) internal import Swift

/// Unicode's Normalization Form C as Hugging Face tokenizers computes it: by the tables of Unicode 9.
///
/// The form of a text never changes once its characters are assigned, so the standard library's later tables give the
/// same for the characters of Unicode 9. Later ones are passed over, as they are by tables that do not know them.
enum CanonicalComposition {
    static func composed(_ text: [UInt8]) -> [UInt8] {
        // The lead byte 0xCC begins U+0300, the first character that is not settled.
        text.contains { $0 >= 0xCC } ? composed(text.span) : text
    }

    private static func composed(_ text: Span<UInt8>) -> [UInt8] {
        var composed: [UInt8] = []
        composed.reserveCapacity(text.count)
        var copied = 0
        var position = 0
        while position < text.count {
            guard text[position] >= 0xCC, !isSettled(text.scalar(at: position)) else {
                position += text.scalarLength(at: position)
                continue
            }
            var start = position
            if position > 0, case let base = text.scalarStart(before: position), text.scalar(at: base).isInUnicode9 { start = base }
            repeat {
                position += text.scalarLength(at: position)
            } while position < text.count && !isSettled(text.scalar(at: position))
            composed.append(copying: text.extracting(copied..<start))
            var run = String.UnicodeScalarView()
            var next = start
            while next < position {
                append(text.scalar(at: next), to: &run)
                next += text.scalarLength(at: next)
            }
            var normal = String.UnicodeScalarView()
            for scalar in String(run)._nfc { normal.append(scalar) }
            composed += String(normal).utf8
            copied = position
        }
        composed.append(copying: text.extracting(copied..<text.count))
        return composed
    }

    /// Writes out the vowel signs that always decompose, into marks: the standard library does not sort those among the
    /// marks that precede them (Swift 6.3).
    static func append(_ scalar: Unicode.Scalar, to run: inout String.UnicodeScalarView) {
        switch scalar.value {
        case 0xF73: run.append(contentsOf: ["\u{F71}", "\u{F72}"])
        case 0xF75: run.append(contentsOf: ["\u{F71}", "\u{F74}"])
        case 0xF81: run.append(contentsOf: ["\u{F71}", "\u{F80}"])
        default: run.append(scalar)
        }
    }

    /// Whether the scalar stays as it is whatever follows or precedes it, except that a scalar that is not settled may
    /// combine with the one before it. True of more scalars than are listed; these are the frequent ones.
    private static func isSettled(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case ..<0x300, 0x400...0x482, 0x48A...0x590, 0x5D0...0x5EA, 0x620...0x64A, 0x904...0x939, 0xE01...0xE30, 0x1E00...0x1EFF,
            0x2010...0x20CF, 0x2200...0x2328, 0x2500...0x2ADB, 0x3001...0x3029, 0x3041...0x3098, 0x30A0...0xA66E, 0xAC00...0xD7A3,
            0xE000...0xF8FF, 0xFF00...0xFFEF, 0x1F300...0x1FAFF:
            true
        default: !scalar.isInUnicode9
        }
    }
}
