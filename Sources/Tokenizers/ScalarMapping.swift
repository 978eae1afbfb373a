/// Normalizers that take each character by itself.
enum ScalarMapping: Sendable {
    /// StripAccents: leaves out combining marks, those that Unicode 9 has.
    case withoutMarks
    case lowercase
    /// Nmt: leaves out control characters, and makes spaces of some others.
    case machineTranslation

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
            }
        }
        return mapped
    }

    private static func lowercase(_ byte: UInt8) -> UInt8 { UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte ? byte | 0x20 : byte }

    private static func isMark(_ scalar: Unicode.Scalar) -> Bool {
        guard scalar.value >= 0x300 else { return false }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark: return scalar.isInUnicode9
        default: return false
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
    var isInUnicode9: Bool {
        guard let age = properties.age else { return false }
        return age <= (9, 0)
    }
}

extension Array where Element == UInt8 {
    mutating func append(_ scalar: Unicode.Scalar) {
        if scalar.isASCII { append(UInt8(scalar.value)) } else { append(contentsOf: String(scalar).utf8) }
    }
}
