package import Storage

/// What became of a gate.
package struct GateResult: Sendable, Equatable {
    /// The gate as it was written.
    package let expression: String
    /// The left side's value; nil where either side could not be computed.
    package let value: Double?
    package let passed: Bool

    package init(expression: String, value: Double?, passed: Bool) {
        self.expression = expression
        self.value = value
        self.passed = passed
    }
}

/// A gate: a comparison of two sums over paths of a report, such as `forget.edited.nll_per_token >= 0.9 * holdout.base.nll_per_token`.
///
///     gate    = sum ( "<=" | ">=" | "<" | ">" | "==" | "!=" ) sum
///     sum     = product { ( "+" | "-" ) product }
///     product = factor { ( "*" | "/" ) factor }
///     factor  = "-" factor | "(" sum ")" | number | path
///     path    = name { "." name }
///
/// A number is a decimal fraction with an optional exponent; a name is letters, digits and `_`, a path does not begin with a digit.
/// All is computed in Double. A value that is null, not finite, or divided by zero makes the gate fail, whatever is compared.
package struct GateExpression: Sendable {
    /// The gate as it was written.
    package let text: String
    let comparison: GateComparison
    /// The two sides in postfix order: evaluation needs no recursion, however long the gate is.
    let left: [GateStep]
    let right: [GateStep]

    package init(parsing text: String) throws(GateError) {
        var parser = GateParser(text)
        left = try parser.side()
        comparison = try parser.comparison()
        right = try parser.side()
        try parser.end()
        self.text = text
    }

    /// The report's paths that the gate names, in its order.
    package var paths: [String] {
        (left + right).compactMap { if case .path(let names) = $0 { names.joined(separator: ".") } else { nil } }
    }

    /// Compares the two sides. Throws where the gate names what the report does not have.
    package func evaluate(on report: JSONValue) throws(GateError) -> GateResult {
        let leftValue = try value(of: left, on: report)
        let rightValue = try value(of: right, on: report)
        guard let leftValue, let rightValue else { return GateResult(expression: text, value: nil, passed: false) }
        return GateResult(expression: text, value: leftValue, passed: comparison.holds(leftValue, rightValue))
    }

    private func value(of steps: [GateStep], on report: JSONValue) throws(GateError) -> Double? {
        var stack: [Double?] = []
        for step in steps {
            let result: Double?
            switch step {
            case .number(let value): result = value
            case .path(let names): result = try number(at: names, in: report)
            case .negate: result = stack.popLast().flatMap { $0 }.map { -$0 }
            case .add, .subtract, .multiply, .divide:
                let second = stack.popLast().flatMap { $0 }
                let first = stack.popLast().flatMap { $0 }
                if let first, let second { result = step.apply(first, second) } else { result = nil }
            }
            stack.append(result.flatMap { $0.isFinite ? $0 : nil })
        }
        return stack.popLast().flatMap { $0 }
    }

    /// The number there; nil where it, or what it would be in, is null.
    private func number(at names: [String], in report: JSONValue) throws(GateError) -> Double? {
        var value = report
        for name in names {
            if value.isNull { return nil }
            guard let member = value[name] else {
                let path = names.joined(separator: ".")
                throw .unknownPath(expression: text, path: path, nearest: ReportPaths(of: report).nearest(to: path))
            }
            value = member
        }
        if value.isNull { return nil }
        guard let number = value.number else {
            throw .notANumber(expression: text, path: names.joined(separator: "."), found: value.kindName)
        }
        return number
    }
}

/// How a gate compares its sides.
enum GateComparison: String, Sendable, CaseIterable {
    // The longer ones first: the parser takes the first that fits.
    case atMost = "<="
    case atLeast = ">="
    case equal = "=="
    case unequal = "!="
    case below = "<"
    case above = ">"

    func holds(_ left: Double, _ right: Double) -> Bool {
        switch self {
        case .atMost: left <= right
        case .atLeast: left >= right
        case .equal: left == right
        case .unequal: left != right
        case .below: left < right
        case .above: left > right
        }
    }
}

/// One step of a side in postfix order: a value, or an operator on the values before it.
enum GateStep: Sendable {
    case number(Double)
    case path([String])
    case negate
    case add, subtract, multiply, divide

    /// Nil for a division by zero, and for what is no operator of two values.
    func apply(_ first: Double, _ second: Double) -> Double? {
        switch self {
        case .add: first + second
        case .subtract: first - second
        case .multiply: first * second
        case .divide: second == 0 ? nil : first / second
        case .number, .path, .negate: nil
        }
    }
}

/// The paths of a report at which a gate finds a number, or null.
private struct ReportPaths {
    private var paths: [String] = []

    init(of report: JSONValue) { add(report, at: "") }

    private mutating func add(_ value: JSONValue, at path: String) {
        switch value {
        case .integer, .number, .null: paths.append(path)
        case .object(let object):
            for member in object.members { add(member.value, at: path.isEmpty ? member.name : "\(path).\(member.name)") }
        case .boolean, .string, .array: break
        }
    }

    /// The three paths that take the fewest changes of a byte, those that end in the whole path first.
    func nearest(to path: String) -> [String] {
        let ranked = paths.map { known in
            (path: known, distance: known.utf8.reversed().starts(with: ".\(path)".utf8.reversed()) ? 0 : Self.distance(path, known))
        }
        return ranked.sorted { ($0.distance, $0.path) < ($1.distance, $1.path) }.prefix(3).map(\.path)
    }

    /// Levenshtein's distance in bytes.
    private static func distance(_ first: String, _ second: String) -> Int {
        let second = Array(second.utf8)
        var row = Array(0...second.count)
        for (index, byte) in first.utf8.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for (column, other) in second.enumerated() {
                let substituted = diagonal + (byte == other ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(substituted, row[column] + 1, diagonal + 1)
            }
        }
        return row[second.count]
    }
}
