/// Reads a gate's text, byte by byte, into postfix steps (the grammar is `GateExpression`'s).
///
/// Everything that is a gate is ASCII, so a byte's place is also its column.
struct GateParser {
    /// How deeply parentheses and signs may nest.
    static let depthLimit = 64

    private let text: String
    private let bytes: [UInt8]
    private var position = 0
    private var steps: [GateStep] = []

    init(_ text: String) {
        self.text = text
        bytes = Array(text.utf8)
    }

    mutating func side() throws(GateError) -> [GateStep] {
        steps = []
        try sum(depth: 0)
        return steps
    }

    mutating func comparison() throws(GateError) -> GateComparison {
        skipSpace()
        for comparison in GateComparison.allCases where bytes[position...].starts(with: comparison.rawValue.utf8) {
            position += comparison.rawValue.utf8.count
            return comparison
        }
        throw unexpected("one of <=, >=, <, >, ==, != or an operator")
    }

    mutating func end() throws(GateError) {
        skipSpace()
        guard position == bytes.count else { throw unexpected("an operator or the end (a gate has one comparison)") }
    }

    private mutating func sum(depth: Int) throws(GateError) {
        try product(depth: depth)
        while let sign = take(["+", "-"]) {
            try product(depth: depth)
            steps.append(sign == "+" ? .add : .subtract)
        }
    }

    private mutating func product(depth: Int) throws(GateError) {
        try factor(depth: depth)
        while let sign = take(["*", "/"]) {
            try factor(depth: depth)
            steps.append(sign == "*" ? .multiply : .divide)
        }
    }

    private mutating func factor(depth: Int) throws(GateError) {
        skipSpace()
        guard depth <= Self.depthLimit else { throw .tooDeep(expression: text, column: position + 1, limit: Self.depthLimit) }
        if take(["-"]) != nil {
            try factor(depth: depth + 1)
            steps.append(.negate)
        } else if take(["("]) != nil {
            try sum(depth: depth + 1)
            guard take([")"]) != nil else { throw unexpected("an operator or \")\"") }
        } else if let byte = next, isDigit(byte) || byte == UInt8(ascii: ".") {
            try number()
        } else if let byte = next, isName(byte) {
            try path()
        } else {
            throw unexpected("a number, a path of the report, \"-\" or \"(\"")
        }
    }

    private mutating func number() throws(GateError) {
        let start = position
        takeDigits()
        if next == UInt8(ascii: ".") {
            position += 1
            takeDigits()
        }
        guard bytes[start..<position].contains(where: isDigit) else { throw unexpected("a digit") }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            position += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
            guard let byte = next, isDigit(byte) else { throw unexpected("the exponent's digits") }
            takeDigits()
        }
        if let byte = next, isName(byte) || byte == UInt8(ascii: ".") { throw unexpected("an operator after the number") }
        let written = String(decoding: bytes[start..<position], as: UTF8.self)
        guard let value = Double(written), value.isFinite else {
            throw .syntax(expression: text, column: start + 1, expected: "a number that a Double can hold", found: written)
        }
        steps.append(.number(value))
    }

    private mutating func path() throws(GateError) {
        var names = [try name()]
        while next == UInt8(ascii: ".") {
            position += 1
            names.append(try name())
        }
        steps.append(.path(names))
    }

    private mutating func name() throws(GateError) -> String {
        let start = position
        while let byte = next, isName(byte) { position += 1 }
        guard position > start else { throw unexpected("a name after the point") }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    // MARK: Bytes

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\n") { position += 1 }
    }

    private mutating func takeDigits() {
        while let byte = next, isDigit(byte) { position += 1 }
    }

    /// Passes space and one of the signs; nil, and no sign passed, where none is next.
    private mutating func take(_ signs: [Unicode.Scalar]) -> Unicode.Scalar? {
        skipSpace()
        guard let byte = next, let sign = signs.first(where: { UInt8(ascii: $0) == byte }) else { return nil }
        position += 1
        return sign
    }

    private func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    private func isName(_ byte: UInt8) -> Bool {
        isDigit(byte) || byte == UInt8(ascii: "_") || (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z"))
    }

    private func unexpected(_ expected: String) -> GateError {
        let rest = String(decoding: bytes[position...], as: UTF8.self)
        let found = rest.unicodeScalars.first.map { "\"\($0.escaped(asASCII: false))\"" } ?? "the end"
        return .syntax(expression: text, column: position + 1, expected: expected, found: found)
    }
}
