internal import Checkpoints
internal import Storage
internal import SystemPackage

/// A command's report: what it found, between what every report begins and ends with.
struct Report {
    private let command: String
    private var inputs: [JSONValue] = []
    var members: [(name: String, value: JSONValue)] = []

    init(_ command: String) { self.command = command }

    /// Notes a file that was read, with its digest.
    mutating func addInput(_ role: String, file path: String) throws {
        addInput(role, path, try InputFile(FilePath(path)).sha256())
    }

    /// Notes a model that was read, with its content digest.
    mutating func addInput(_ role: String, _ path: String, model checkpoint: Checkpoint) throws {
        addInput(role, path, try checkpoint.contentDigest())
    }

    mutating func addInput(_ role: String, _ path: String, _ digest: SHA256Digest?) {
        inputs.append(
            .members(["role": .string(role), "path": .string(path), "sha256": digest.map { .string($0.description) } ?? .null]))
    }

    func document(exitCode: Int32) -> JSONValue {
        let head: [(name: String, value: JSONValue)] = [
            ("schema", .string("https://excise.dev/schemas/\(command)/v1")),
            ("tool", .members(["name": "excise", "version": .string(Excise.version)])),
            ("command", .string(command)),
            ("inputs", .array(inputs)),
        ]
        return .object(JSONObject(members: head + members + [("exit_code", .integer(Int(exitCode)))]))
    }

    func print(exitCode: Int32 = 0) { Swift.print(document(exitCode: exitCode).serialized(pretty: true)) }

    /// What stands before the end of `mark` and what stands behind it, to print something long between them.
    func text(around mark: String) -> (head: String, tail: String) {
        let text = document(exitCode: 0).serialized(pretty: true)
        // No string within the document holds this: its quotes would be escaped.
        guard let range = text.ranges(of: mark).first else { preconditionFailure("\(mark) is no member") }
        return (String(text[..<range.upperBound]), String(text[range.upperBound...]))
    }
}
