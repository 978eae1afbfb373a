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

    private var scanner: OnigurumaScanner
    /// The letters that were the last literals of a caseless group: some pairs of them equal one character (ss and ß).
    private var caselessLetter: Unicode.Scalar?

    init(_ source: String) throws(Refusal) {
        scanner = try OnigurumaScanner(source)
        try alternatives(caseless: false, depth: 0)
        guard scanner.next == nil else { throw .malformed("an unmatched )") }
    }

    /// Up to the end or to a `)`.
    private mutating func alternatives(caseless: Bool, depth: Int) throws(Refusal) {
        guard depth < 64 else { throw .unsupported("groups nested deeper than 64") }
        while let scalar = scanner.next, scalar != ")" {
            scanner.skip()
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
        if scanner.take("?i:") {
            (caseless, opening) = (true, "(?i:")
        } else if let known = ["?:", "?=", "?!", "?<=", "?<!", "?>"].first(where: { scanner.take($0) }) {
            opening = "(" + known
        } else if scanner.next == "?" {
            throw .unsupported("(" + scanner.upcoming(3))
        }
        pcre += opening
        try alternatives(caseless: caseless, depth: depth + 1)
        guard scanner.take(")") else { throw .malformed("an unmatched (") }
        pcre += ")"
        return opening.hasSuffix(":") || opening.hasSuffix(">")
    }

    /// After a `\` outside a class. False for an anchor, which nothing may repeat.
    private mutating func escape(caseless: Bool) throws(Refusal) -> Bool {
        let scalar = try scanner.take()
        switch scalar {
        case "A", "z", "Z":
            pcre += "\\\(scalar)"
            return false
        case "s", "S", "d", "D", "p", "P":
            caselessLetter = nil
            var negated = scalar.properties.isUppercase
            let members = try scanner.set(scalar, negated: &negated)
            pcre += (negated ? "[^" : "[") + members + "]"
        default: try literal(scanner.escaped(scalar), caseless: caseless)
        }
        return true
    }

    /// After a `[`, up to its `]`.
    private mutating func characterClass(caseless: Bool) throws(Refusal) {
        let negated = scanner.take("^")
        if negated, caseless { throw .unsupported("[^ under (?i)") }
        pcre += negated ? "[^" : "["
        if scanner.next == "]" { throw .unsupported("a class that begins with ]") }
        let first = scanner.position
        while !scanner.take("]") {
            var scalar = try scanner.take()
            if scalar == "[" { throw .unsupported("a class within a class") }
            if scalar == "&", scanner.next == "&" { throw .unsupported("&&") }
            if scalar == "\\" {
                scalar = try scanner.take()
                if ["s", "S", "d", "D", "p", "P"].contains(scalar) {
                    var complement = scalar.properties.isUppercase
                    let members = try scanner.set(scalar, negated: &complement)
                    if complement || caseless { throw .unsupported("\\\(scalar) in such a class") }
                    pcre += members
                    try hyphenEndsClass()
                    continue
                }
                scalar = try scanner.escaped(scalar)
            } else if scalar == "-", scanner.next != "]", scanner.position > first + 1 {
                throw .unsupported("a - in the middle of a class")
            }
            try member(scalar, caseless: caseless)
            if scanner.isAtInnerHyphen {
                scanner.skip()
                var last = try scanner.take()
                if last == "[" { throw .unsupported("a class within a class") }
                if last == "\\" { last = try scanner.escaped(scanner.take()) }
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
        if scanner.isAtInnerHyphen { throw .unsupported("a - in the middle of a class") }
    }

    private mutating func member(_ scalar: Unicode.Scalar, caseless: Bool) throws(Refusal) {
        if caseless, !scalar.isASCII { throw .unsupported("\(Self.named(scalar)) under (?i)") }
        pcre += Self.written(scalar)
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
        guard let scalar = scanner.next, ["*", "+", "?", "{"].contains(scalar) else { return }
        guard repeatable else { throw .malformed("a misplaced \(scalar)") }
        scanner.skip()
        caselessLetter = nil
        if scalar == "{" {
            let (least, most) = try scanner.bounds()
            pcre += most.map { least == $0 ? "{\(least)}" : "{\(least),\($0)}" } ?? "{\(least),}"
            if scanner.next == "?" {
                guard most != least else { throw .unsupported("{\(least)}?") }
                scanner.skip()
                pcre += "?"
            } else if scanner.take("+") {
                // Not possessive in Ruby's syntax: the repetition is repeated.
                pcre.insert(contentsOf: "(?:", at: start)
                pcre += ")+"
            }
        } else {
            pcre.unicodeScalars.append(scalar)
            if scanner.take("?") { pcre += "?" } else if scanner.take("+") { pcre += "+" }
        }
        if let scalar = scanner.next, ["*", "+", "?", "{"].contains(scalar) {
            throw .unsupported("a quantifier behind a quantifier")
        }
    }
}
