package import SystemPackage

/// Where a record stands: its file and its line, from 1.
package struct LinePlace: Sendable, Equatable, CustomStringConvertible {
    package var path: FilePath
    package var line: Int

    package init(path: FilePath, line: Int) {
        self.path = path
        self.line = line
    }

    package var description: String { "\(path), line \(line)" }
}

/// Why a TEXT file could not be read.
package enum TextRecordError: DiagnosedError {
    case file(StorageError)
    case unsupported(FilePath, String)
    case noRecords(FilePath)
    case notUTF8(FilePath, line: Int)
    case notJSON(LinePlace, JSONSyntaxError)
    case notAnObject(LinePlace, found: String)
    case missingFields(LinePlace, expected: String, found: [String])
    case ambiguousFields(LinePlace, [String])
    case notAString(LinePlace, field: String, found: String)
    case emptyField(LinePlace, field: String)
    case badSpans(LinePlace)

    package var fault: Fault {
        switch self {
        case .file(let cause): cause.fault
        case .unsupported: .unsupported
        default: .malformedInput
        }
    }

    package var kind: String {
        switch self {
        case .file(let cause): cause.kind
        case .unsupported: "unsupported-text"
        case .noRecords: "no-records"
        case .notUTF8: "not-utf8"
        case .notJSON: "json-syntax"
        case .notAnObject: "record-not-an-object"
        case .missingFields: "missing-fields"
        case .ambiguousFields: "ambiguous-fields"
        case .notAString: "field-not-a-string"
        case .emptyField: "empty-field"
        case .badSpans: "bad-spans"
        }
    }

    package var description: String {
        switch self {
        case .file(let cause): cause.description
        case .unsupported(let path, let reason): "\(path) cannot be read as text: \(reason)."
        case .noRecords(let path): "\(path) holds no record, at least one is needed."
        case .notUTF8(let path, let line): "\(path), line \(line) is not UTF-8. Convert the file to UTF-8."
        case .notJSON(let place, let cause):
            "\(place) should be one whole JSON object on a line, and is \(cause.description)."
        case .notAnObject(let place, let found): "\(place) should be a JSON object, and is \(found). Write one object a line."
        case .missingFields(let place, let expected, let found):
            "\(place) should have \(expected), and has \(Self.list(found)). Name other fields by --text-field, --prompt-field and --completion-field."
        case .ambiguousFields(let place, let fields):
            "\(place) has all of \(Self.list(fields)), and is either a text or a prompt with its completion. Leave out what is not meant."
        case .notAString(let place, let field, let found): "\(place): \(Self.list([field])) should be a string, and is \(found)."
        case .emptyField(let place, let field):
            "\(place): \(Self.list([field])) is empty, so that there is nothing to score. Leave such lines out."
        case .badSpans(let place):
            "\(place): \"token_spans\" should be pairs of whole numbers such as [[0, 4], [7, 9]], from 0, ascending, none empty."
        }
    }

    /// The first few names, escaped: they come from a stranger's file and go to a terminal.
    private static func list(_ names: [String]) -> String {
        guard !names.isEmpty else { return "no field" }
        let shown = names.prefix(8).map { JSONValue.string($0.count > 64 ? $0.prefix(64) + "…" : $0).serialized() }
        return shown.joined(separator: ", ") + (names.count > 8 ? " and \(names.count - 8) more" : "")
    }
}
