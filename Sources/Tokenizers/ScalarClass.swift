/// The classes of characters that pre-tokenizers cut at, as Hugging Face tokenizers' Rust sees them.
enum ScalarClass: Sendable {
    /// `char::is_numeric`, by Unicode 17.
    case number
    /// `char::is_whitespace`
    case space
    /// ASCII's punctuation, and the categories P of the crate unicode_categories.
    case punctuation
    /// `\w` of the crate regex, by Unicode 16.
    case word
    /// The space, and what belongs to no script by Unicode 9.
    case scriptless

    func contains(_ scalar: Unicode.Scalar) -> Bool {
        let properties = scalar.properties
        switch self {
        case .number:
            switch properties.generalCategory {
            case .decimalNumber, .letterNumber, .otherNumber: return true
            default: return false
            }
        case .space: return properties.isWhitespace
        case .punctuation:
            if scalar.isASCII { return Self.isPrintable(scalar) && !properties.isAlphabetic && !("0"..."9").contains(scalar) }
            // Of another category since.
            if scalar == "\u{166D}" || scalar == "\u{111C9}" { return true }
            guard scalar.isIn(8) else { return false }
            switch properties.generalCategory {
            case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation, .finalPunctuation,
                .otherPunctuation:
                return true
            default: return false
            }
        case .word:
            guard scalar.isIn(16) else { return false }
            switch properties.generalCategory {
            case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation: return true
            default: return properties.isAlphabetic || properties.isJoinControl
            }
        case .scriptless:
            switch properties.generalCategory {
            case .privateUse, .unassigned: return true
            default: return scalar == " " || !scalar.isInUnicode9
            }
        }
    }

    /// An expression that matches one of them.
    func expression(_ file: String, _ item: String) throws(TokenizerError) -> RegularExpression {
        try RegularExpression(classes: "[\(members)]", file: file, item: item)
    }

    /// The inside of a PCRE2 character class.
    var members: String {
        switch self {
        // Quicker to make: PCRE2's own, with what its tables lack.
        case .number: "\\p{N}" + (UnicodeSupplement.ranges(of: "N") ?? "") + UnicodeSupplement.laterNumbers
        case .space: Self.spaceRanges
        case .punctuation: Self.punctuationRanges
        case .word: Self.wordRanges
        case .scriptless: Self.scriptlessRanges
        }
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool { (0x21...0x7E).contains(scalar.value) }

    // Made once: each looks at all of Unicode.
    private static let spaceRanges = ranges(ScalarClass.space.contains)
    private static let punctuationRanges = ranges(ScalarClass.punctuation.contains)
    private static let wordRanges = ranges(ScalarClass.word.contains)
    private static let scriptlessRanges = ranges(ScalarClass.scriptless.contains)

    private static func ranges(_ contains: (Unicode.Scalar) -> Bool) -> String {
        var ranges: [ClosedRange<UInt32>] = []
        var isMember = false
        for value in UInt32(0)..<0x110000 {
            // Nothing is assigned in planes 4 to 13: their first character speaks for all.
            if !(0x40001..<0xE0000).contains(value) { isMember = Unicode.Scalar(value).map(contains) ?? false }
            guard isMember else { continue }
            if let last = ranges.last, last.upperBound == value - 1 {
                ranges[ranges.count - 1] = last.lowerBound...value
            } else {
                ranges.append(value...value)
            }
        }
        return ranges.map { "\\x{\(String($0.lowerBound, radix: 16))}-\\x{\(String($0.upperBound, radix: 16))}" }.joined()
    }
}
