/// A regular expression in Oniguruma's (Ruby's) syntax, written anew for PCRE2.
///
/// Takes the part of the syntax that tokenizers are written in and that both engines can be made to match alike.
/// Every other construct is refused by name, for the two differ in many: `\w`, `\h`, `(?m)`, `[a&&b]`, ...
struct OnigurumaExpression {
    /// The same expression for PCRE2, to compile with `PCRE2_UTF` and `PCRE2_MULTILINE`.
    private(set) var pcre = ""

    /// Why an expression is not taken.
    enum Refusal: Error {
        case unsupported(String)
        case malformed(String)
    }

    private let scalars: [Unicode.Scalar]
    private var position = 0
    /// The letters that were the last literals of a caseless group: some pairs of them equal one character (ss and ß).
    private var caselessLetter: Unicode.Scalar?

    init(_ source: String) throws(Refusal) {
        scalars = Array(source.unicodeScalars)
        // A few characters such as \p{L} stand for a thousand here.
        guard scalars.count <= 1 << 14 else { throw .unsupported("more than \(1 << 14) characters") }
        try alternatives(caseless: false, depth: 0)
        guard position == scalars.count else { throw .malformed("an unmatched )") }
    }

    private var next: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

    private mutating func take() throws(Refusal) -> Unicode.Scalar {
        guard let scalar = next else { throw .malformed("an unfinished construct at its end") }
        position += 1
        return scalar
    }

    private mutating func take(_ text: String) -> Bool {
        guard scalars[position...].starts(with: text.unicodeScalars) else { return false }
        position += text.unicodeScalars.count
        return true
    }

    /// Up to the end or to a `)`.
    private mutating func alternatives(caseless: Bool, depth: Int) throws(Refusal) {
        guard depth < 64 else { throw .unsupported("groups nested deeper than 64") }
        while let scalar = next, scalar != ")" {
            position += 1
            let start = pcre.endIndex
            var repeatable = true
            switch scalar {
            case "|", "^", "$":
                pcre.unicodeScalars.append(scalar)
                repeatable = false
            case ".": pcre += "."
            case "(": repeatable = try group(caseless: caseless, depth: depth)
            case "[": try characterClass(caseless: caseless)
            case "\\": repeatable = try escape(caseless: caseless)
            case "*", "+", "?", "{": throw .malformed("a misplaced \(scalar)")
            default: try literal(scalar, caseless: caseless)
            }
            try quantifier(start, repeatable: repeatable)
        }
    }

    /// After a `(`. False for a look-around, which nothing may repeat.
    private mutating func group(caseless: Bool, depth: Int) throws(Refusal) -> Bool {
        caselessLetter = nil
        var (caseless, opening) = (caseless, "(?:")
        if take("?i:") {
            (caseless, opening) = (true, "(?i:")
        } else if let known = ["?:", "?=", "?!", "?<=", "?<!", "?>"].first(where: { take($0) }) {
            opening = "(" + known
        } else if next == "?" {
            throw .unsupported("(" + String(String.UnicodeScalarView(scalars[position...].prefix(3))))
        }
        pcre += opening
        try alternatives(caseless: caseless, depth: depth + 1)
        guard take(")") else { throw .malformed("an unmatched (") }
        pcre += ")"
        return opening.hasSuffix(":") || opening.hasSuffix(">")
    }

    /// After a `\` outside a class. False for an anchor, which nothing may repeat.
    private mutating func escape(caseless: Bool) throws(Refusal) -> Bool {
        let scalar = try take()
        switch scalar {
        case "A", "z", "Z":
            pcre += "\\\(scalar)"
            return false
        case "s", "S", "d", "D", "p", "P":
            var negated = scalar.properties.isUppercase
            let members = try set(scalar, negated: &negated)
            pcre += (negated ? "[^" : "[") + members + "]"
        default: try literal(escaped(scalar), caseless: caseless)
        }
        return true
    }

    /// After a `[`, up to its `]`.
    private mutating func characterClass(caseless: Bool) throws(Refusal) {
        let negated = take("^")
        if negated, caseless { throw .unsupported("[^ under (?i)") }
        pcre += negated ? "[^" : "["
        if next == "]" { throw .unsupported("a class that begins with ]") }
        let first = position
        while !take("]") {
            var scalar = try take()
            if scalar == "[" { throw .unsupported("a class within a class") }
            if scalar == "&", next == "&" { throw .unsupported("&&") }
            if scalar == "\\" {
                scalar = try take()
                if ["s", "S", "d", "D", "p", "P"].contains(scalar) {
                    var complement = scalar.properties.isUppercase
                    let members = try set(scalar, negated: &complement)
                    if complement || caseless { throw .unsupported("\\\(scalar) in such a class") }
                    pcre += members
                    try hyphenEndsClass()
                    continue
                }
                scalar = try escaped(scalar)
            } else if scalar == "-", next != "]", position > first + 1 {
                throw .unsupported("a - in the middle of a class")
            }
            try member(scalar, caseless: caseless)
            if next == "-", position + 1 < scalars.count, scalars[position + 1] != "]" {
                position += 1
                var last = try take()
                if last == "[" { throw .unsupported("a class within a class") }
                if last == "\\" { last = try escaped(take()) }
                guard scalar <= last else { throw .malformed("a range from \(scalar) down to \(last)") }
                pcre += "-"
                try member(last, caseless: caseless)
                try hyphenEndsClass()
            }
        }
        pcre += "]"
        caselessLetter = nil
    }

    /// Behind a range or a set a `-` means one thing here and another there, except before the `]`.
    private func hyphenEndsClass() throws(Refusal) {
        guard next == "-", position + 1 < scalars.count, scalars[position + 1] != "]" else { return }
        throw .unsupported("a - in the middle of a class")
    }

    private mutating func member(_ scalar: Unicode.Scalar, caseless: Bool) throws(Refusal) {
        if caseless, !scalar.isASCII { throw .unsupported("\(Self.named(scalar)) under (?i)") }
        pcre += Self.written(scalar)
    }

    /// `\s`, `\d` or `\p{…}`, as members of a class. `\p{^…}` turns `negated` over.
    private mutating func set(_ scalar: Unicode.Scalar, negated: inout Bool) throws(Refusal) -> String {
        caselessLetter = nil
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
    private mutating func escaped(_ scalar: Unicode.Scalar) throws(Refusal) -> Unicode.Scalar {
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

    private static func scalar(_ digits: String) throws(Refusal) -> Unicode.Scalar {
        // Not every number that Swift reads: it takes a sign.
        guard digits.unicodeScalars.allSatisfy(\.properties.isASCIIHexDigit),
            let scalar = UInt32(digits, radix: 16).flatMap(Unicode.Scalar.init)
        else { throw .malformed("the code point \(digits)") }
        return scalar
    }

    private mutating func literal(_ scalar: Unicode.Scalar, caseless: Bool) throws(Refusal) {
        if caseless {
            guard scalar.isASCII || scalar == "\u{2019}" else {
                throw .unsupported("\(Self.named(scalar)) under (?i)")
            }
            let pair = String(String.UnicodeScalarView([caselessLetter, scalar].compactMap { $0 })).lowercased()
            if ["ss", "st", "ff", "fi", "fl"].contains(pair) {
                throw .unsupported("\(pair) under (?i), which Oniguruma matches with one character too")
            }
            caselessLetter = scalar
        } else {
            caselessLetter = nil
        }
        pcre += Self.written(scalar)
    }

    private static func named(_ scalar: Unicode.Scalar) -> String { "U+" + String(scalar.value, radix: 16, uppercase: true) }

    /// As a code point, which nothing around it can make special.
    private static func written(_ scalar: Unicode.Scalar) -> String { "\\x{" + String(scalar.value, radix: 16) + "}" }

    /// A quantifier, where one follows, for what was written from `start` on.
    private mutating func quantifier(_ start: String.Index, repeatable: Bool) throws(Refusal) {
        guard let scalar = next, ["*", "+", "?", "{"].contains(scalar) else { return }
        guard repeatable else { throw .malformed("a misplaced \(scalar)") }
        position += 1
        caselessLetter = nil
        if scalar == "{" {
            let (least, most) = try bounds()
            pcre += most.map { least == $0 ? "{\(least)}" : "{\(least),\($0)}" } ?? "{\(least),}"
            if next == "?" {
                guard most != least else { throw .unsupported("{\(least)}?") }
                position += 1
                pcre += "?"
            } else if take("+") {
                // Not possessive in Ruby's syntax: the repetition is repeated.
                pcre.insert(contentsOf: "(?:", at: start)
                pcre += ")+"
            }
        } else {
            pcre.unicodeScalars.append(scalar)
            if take("?") { pcre += "?" } else if take("+") { pcre += "+" }
        }
        if let scalar = next, ["*", "+", "?", "{"].contains(scalar) {
            throw .unsupported("a quantifier behind a quantifier")
        }
    }

    /// After a `{`, up to its `}`.
    private mutating func bounds() throws(Refusal) -> (least: Int, most: Int?) {
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
