/// Reads an expression in Oniguruma's syntax from left to right: its characters, its escapes, its sets and its counts.
struct OnigurumaScanner {
    private let scalars: [Unicode.Scalar]
    private(set) var position = 0

    init(_ source: String) throws(OnigurumaExpression.Refusal) {
        scalars = Array(source.unicodeScalars)
        // A few characters such as \p{L} stand for a thousand in PCRE2's.
        guard scalars.count <= 1 << 14 else { throw .unsupported("more than \(1 << 14) characters") }
    }

    /// The next character; nil at the end.
    var next: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

    /// Whether a `-` comes next that is not the last character of its class.
    var isAtInnerHyphen: Bool { next == "-" && position + 1 < scalars.count && scalars[position + 1] != "]" }

    /// Up to `count` characters that come next.
    func upcoming(_ count: Int) -> String { String(String.UnicodeScalarView(scalars[position...].prefix(count))) }

    /// Passes over the next character, which is there.
    mutating func skip() { position += 1 }

    mutating func take() throws(OnigurumaExpression.Refusal) -> Unicode.Scalar {
        guard let scalar = next else { throw .malformed("an unfinished construct at its end") }
        position += 1
        return scalar
    }

    mutating func take(_ text: String) -> Bool {
        guard scalars[position...].starts(with: text.unicodeScalars) else { return false }
        position += text.unicodeScalars.count
        return true
    }

    /// `\s`, `\d` or `\p{…}`, as members of a class. `\p{^…}` turns `negated` over.
    mutating func set(_ scalar: Unicode.Scalar, negated: inout Bool) throws(OnigurumaExpression.Refusal) -> String {
        switch scalar {
        case "s", "S":
            // Not \s, for which PCRE2 counts U+180E.
            return "\\x{9}-\\x{D}\\x{20}\\x{85}\\x{A0}\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}\\x{202F}\\x{205F}\\x{3000}"
        case "d", "D":
            return "\\p{Nd}" + (UnicodeSupplement.ranges(of: "Nd") ?? "")
        default:
            var name = ""
            guard take("{") else { throw .unsupported("\\p without {") }
            if take("^") { negated.toggle() }
            while !take("}") { name.unicodeScalars.append(try take()) }
            guard let supplement = UnicodeSupplement.ranges(of: name) else { throw .unsupported("\\p{\(name)}") }
            return "\\p{\(name)}" + supplement
        }
    }

    /// The scalar that stands behind a `\`.
    mutating func escaped(_ scalar: Unicode.Scalar) throws(OnigurumaExpression.Refusal) -> Unicode.Scalar {
        switch scalar {
        case "t": return "\t"
        case "n": return "\n"
        case "v": return "\u{B}"
        case "f": return "\u{C}"
        case "r": return "\r"
        case "a": return "\u{7}"
        case "e": return "\u{1B}"
        case "x" where take("{"):
            var digits = ""
            while !take("}") { digits.unicodeScalars.append(try take()) }
            return try Self.scalar(digits)
        case "u":
            var digits = ""
            for _ in 0..<4 { digits.unicodeScalars.append(try take()) }
            return try Self.scalar(digits)
        case _ where scalar.isASCII && !scalar.properties.isAlphabetic && !("0"..."9").contains(scalar): return scalar
        default: throw .unsupported("\\\(scalar)")
        }
    }

    private static func scalar(_ digits: String) throws(OnigurumaExpression.Refusal) -> Unicode.Scalar {
        // Not every number that Swift reads: it takes a sign.
        guard digits.unicodeScalars.allSatisfy(\.properties.isASCIIHexDigit),
            let scalar = UInt32(digits, radix: 16).flatMap(Unicode.Scalar.init)
        else { throw .malformed("the code point \(digits)") }
        return scalar
    }

    /// After a `{`, up to its `}`.
    mutating func bounds() throws(OnigurumaExpression.Refusal) -> (least: Int, most: Int?) {
        var text = ""
        while !take("}") { text.unicodeScalars.append(try take()) }
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        let numbers = parts.map { $0.hasPrefix("+") || $0.hasPrefix("-") ? nil : Int($0) }
        switch (parts.count, numbers.first ?? nil, numbers.last ?? nil) {
        case (1, let count?, _) where count < 65536: return (count, count)
        case (2, let least?, let most?) where least <= most && most < 65536: return (least, most)
        case (2, let least?, nil) where least < 65536 && parts[1].isEmpty: return (least, nil)
        case (2, nil, let most?) where most < 65536 && parts[0].isEmpty: return (0, most)
        default: throw .unsupported("{\(text)}")
        }
    }
}
