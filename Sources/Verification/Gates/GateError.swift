package import Storage

/// Why a gate could not be read, or does not fit the report. All of them are the gate's fault: a gate that merely fails is a result.
package enum GateError: DiagnosedError {
    /// `column` counts from 1.
    case syntax(expression: String, column: Int, expected: String, found: String)
    case tooDeep(expression: String, column: Int, limit: Int)
    case unknownPath(expression: String, path: String, nearest: [String])
    case notANumber(expression: String, path: String, found: String)

    package var fault: Fault { .usage }

    package var kind: String {
        switch self {
        case .syntax: "gate-syntax"
        case .tooDeep: "gate-too-deep"
        case .unknownPath: "gate-unknown-path"
        case .notANumber: "gate-not-a-number"
        }
    }

    package var description: String {
        switch self {
        case .syntax(let expression, let column, let expected, let found):
            "The gate \(Self.quoted(expression)) is wrong at column \(column): expected \(expected), found \(found)."
        case .tooDeep(let expression, let column, let limit):
            "The gate \(Self.quoted(expression)) nests more than \(limit) deep at column \(column). Take out parentheses or signs."
        case .unknownPath(let expression, let path, let nearest):
            "The gate \(Self.quoted(expression)) names \(path), which the report does not have."
                + (nearest.isEmpty ? "" : " The nearest it has: \(nearest.joined(separator: ", ")).")
        case .notANumber(let expression, let path, let found):
            "The gate \(Self.quoted(expression)) names \(path), which is \(found) in the report. Name a number."
        }
    }

    private static func quoted(_ text: String) -> String { JSONValue.string(text).serialized() }
}
