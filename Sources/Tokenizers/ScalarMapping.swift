/// Normalizers that take each character by itself.
enum ScalarMapping: Sendable {
    /// StripAccents: leaves out combining marks, those that Unicode 9 has.
    case withoutMarks
    case lowercase
    /// Nmt: leaves out control characters, and makes spaces of some others.
    case machineTranslation
    /// BertNormalizer's first step: leaves out control, format and private characters of Unicode 8, and makes spaces of white space.
    case cleaned
    /// BertNormalizer's second: puts spaces around Chinese characters.
    case spacedIdeographs
    /// BertNormalizer's third, after decomposition: leaves out nonspacing marks, those that Unicode 8 has.
    case withoutNonspacingMarks

    func mapped(_ text: Span<UInt8>) -> [UInt8] {
        var mapped: [UInt8] = []
        mapped.reserveCapacity(text.count)
        var position = 0
        while position < text.count {
            let scalar = text.scalar(at: position)
            position += text.scalarLength(at: position)
            switch self {
            case .withoutMarks: if !Self.isMark(scalar) { mapped.append(scalar) }
            case .lowercase:
                mapped += scalar.isASCII ? [Self.lowercase(UInt8(scalar.value))] : Array(scalar.properties.lowercaseMapping.utf8)
            case .machineTranslation: if let scalar = Self.translated(scalar) { mapped.append(scalar) }
            case .cleaned: if let scalar = Self.cleaned(scalar) { mapped.append(scalar) }
            case .spacedIdeographs:
                let isIdeograph = Self.isIdeograph(scalar)
                if isIdeograph { mapped.append(UInt8(ascii: " ")) }
                mapped.append(scalar)
                if isIdeograph { mapped.append(UInt8(ascii: " ")) }
            case .withoutNonspacingMarks:
                if scalar.isASCII || !Self.isNonspacingMark(scalar) { mapped.append(scalar) }
            }
        }
        return mapped
    }

    private static func lowercase(_ byte: UInt8) -> UInt8 { UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte ? byte | 0x20 : byte }

    private static func isMark(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case ..<0x300: return false
        // Of another category since.
        case 0x1CF2, 0x1CF3: return true
        case 0x111C9: return false
        default: break
        }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark: return scalar.isInUnicode9
        default: return false
        }
    }

    private static func isNonspacingMark(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        // Of another category since.
        case 0x1734, 0x1171E: true
        case 0x1885, 0x1886, 0xA9BD, 0x111C9: false
        default: scalar.properties.generalCategory == .nonspacingMark && scalar.isIn(8)
        }
    }

    private static func cleaned(_ scalar: Unicode.Scalar) -> Unicode.Scalar? {
        switch scalar {
        case "\t", "\n", "\r": return " "
        case " "..."~": return scalar
        case "\u{FFFD}": return nil
        default: break
        }
        switch scalar.properties.generalCategory {
        case .control, .format, .privateUse: return scalar.isIn(8) ? nil : scalar
        default: return scalar.properties.isWhitespace ? " " : scalar
        }
    }

    /// The ranges of Hugging Face tokenizers, which has U+2B920 for Unicode's U+2B820.
    private static func isIdeograph(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFAFF, 0x20000...0x2A6DF, 0x2A700...0x2B81F, 0x2B920...0x2CEAF,
            0x2F800...0x2FA1F:
            true
        default: false
        }
    }

    private static func translated(_ scalar: Unicode.Scalar) -> Unicode.Scalar? {
        switch scalar.value {
        case 0x1...0x8, 0xB, 0xE...0x1F, 0x7F, 0x8F, 0x9F: nil
        case 0x9, 0xA, 0xC, 0xD, 0x1680, 0x200B...0x200F, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD: " "
        default: scalar
        }
    }
}

extension Unicode.Scalar {
    /// Whether Unicode 9 has it, whose tables Hugging Face tokenizers normalizes by.
    var isInUnicode9: Bool { isIn(9) }

    /// Whether that version of Unicode has it.
    func isIn(_ version: Int) -> Bool { properties.age.map { $0 <= (version, 0) } ?? false }
}

extension Array where Element == UInt8 {
    mutating func append(_ scalar: Unicode.Scalar) {
        if scalar.isASCII { append(UInt8(scalar.value)) } else { append(contentsOf: String(scalar).utf8) }
    }
}
