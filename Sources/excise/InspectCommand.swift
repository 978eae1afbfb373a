internal import ArgumentParser
internal import Checkpoints
internal import Storage
internal import SystemPackage
internal import Tensors
internal import Tokenizers
internal import Verification

struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "What a checkpoint is: architecture, parameters, dtypes, shards, digest.")

    @Argument(help: "A model's directory, or a .safetensors file.") var model: String
    @Flag(help: "List every tensor.") var tensors = false
    @Flag(help: "Check all files of the model, and list everything that is wrong with them.") var check = false
    @OptionGroup var common: CommonOptions

    @Flag(inversion: .prefixedNo, help: "Read the tensors and print the digests; without, only headers are read.") var digest = true

    func run() throws {
        _ = common.begin()
        let place = try ModelPlace(model)
        let audit = check ? place.audit : nil
        let inspection = try Inspection(of: place, withDigests: digest, audit)
        for warning in inspection.warnings { standardError("excise: warning: \(warning.path): \(warning.message).") }
        let exitCode = audit?.fault?.rawValue ?? 0
        if common.json {
            var report = Report("inspect")
            report.addInput("model", model, inspection.digests?.content)
            report.members = inspection.members + (tensors ? [inspection.tensors] : []) + (audit.map { [("check", $0.report)] } ?? [])
            report.print(exitCode: exitCode)
        } else {
            inspection.print(withTensors: tensors)
            if let audit { print(audit) }
        }
        if exitCode != 0 { throw ExitCode(exitCode) }
    }

    private func print(_ audit: ModelAudit) {
        for finding in audit.findings {
            let item = finding.item.map { " " + CheckpointError.quoted($0) } ?? ""
            Swift.print("\(finding.severity.rawValue) \(finding.code) \(finding.file)\(item): \(finding.message)")
        }
        let leftOut = audit.errorCount + audit.warningCount - audit.findings.count
        func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
        Swift.print(
            "check           \(counted(audit.errorCount, "error")), \(counted(audit.warningCount, "warning"))"
                + (leftOut > 0 ? "; \(leftOut) more of the same kinds are not listed" : ""))
    }
}

/// What was found, as a report and as lines for people.
private struct Inspection {
    let checkpoint: Checkpoint?
    let digests: CheckpointDigests?
    let architecture: String?
    let configuration: ModelConfiguration?
    let vocabulary: Int?
    let edits: [JSONValue]
    private(set) var warnings: [(path: String, kind: String, message: String)] = []

    /// Reads what can be read. What is not supported is warned of; what is malformed is thrown, unless an audit has told of it.
    init(of place: ModelPlace, withDigests: Bool, _ audit: ModelAudit?) throws {
        var objections: [(path: String, kind: String, message: String)] = []
        func found<Value>(_ file: String, _ read: () throws -> Value?) throws -> Value? {
            do { return try read() } catch let error as any DiagnosedError where error.fault == .unsupported && file.hasSuffix(".json") {
                // The sentence, of which place and point are the warning's own.
                let sentence = error.description.split(separator: "\(file): ", maxSplits: 1).last ?? ""
                objections.append((file, error.kind, String(sentence.hasSuffix(".") ? sentence.dropLast() : sentence)))
            } catch let error as any DiagnosedError {
                guard audit?.fault != nil else { throw error }
            }
            return nil
        }
        checkpoint = try found("") { try place.checkpoint }
        digests = withDigests ? try checkpoint.map(CheckpointDigests.init(of:)) : nil
        configuration = try found("config.json") { try place.configuration }
        architecture = try configuration?.architecture.modelType ?? found("config.json") { try place.modelType }
        vocabulary = try found("tokenizer.json") { try place.vocabularySize }
        edits = try found(EditHistory.fileName) { try place.history }?.edits ?? []
        warnings = (checkpoint?.warnings ?? []).map { ($0.shard, $0.warning.rawValue, $0.warning.description) } + objections
    }

    var members: [(name: String, value: JSONValue)] {
        let summary = checkpoint.map(CheckpointSummary.init)
        let files = (checkpoint?.shards ?? []).enumerated().map { index, shard in
            JSONValue.members([
                "path": .string(shard.name), "bytes": .integer(shard.file.size),
                "sha256": digests.map { .string($0.files[index].description) } ?? .null,
            ])
        }
        return [
            ("architecture", architecture.map(JSONValue.string) ?? .null),
            ("parameters", summary.map { .integer($0.parameters) } ?? .null),
            ("dtypes", .object(JSONObject(members: (summary?.dtypes ?? []).map { ($0.dtype.rawValue, .integer($0.parameters)) }))),
            ("shards", .array(files)),
            ("tokenizer", vocabulary.map { .members(["kind": "bpe", "vocabulary": .integer($0)]) } ?? .null),
            ("content_digest", digests.map { .string($0.content.description) } ?? .null),
            ("edits", .array(edits)),
            (
                "warnings",
                .array(warnings.map { .members(["path": .string($0.path), "kind": .string($0.kind), "message": .string($0.message)]) })
            ),
        ]
    }

    var tensors: (name: String, value: JSONValue) {
        (
            "tensors",
            .array(
                (checkpoint?.tensors ?? []).map {
                    .members([
                        "name": .string($0.name), "dtype": .string($0.dtype.rawValue), "shape": .array($0.shape.map(JSONValue.integer)),
                    ])
                })
        )
    }

    func print(withTensors: Bool) {
        if let configuration {
            Swift.print(
                "architecture    \(configuration.architecture.modelType), \(configuration.layerCount) layers, width \(configuration.hiddenSize), "
                    + "\(configuration.headCount) heads (\(configuration.keyValueHeadCount) key/value), feed-forward \(configuration.feedForwardSize), "
                    + "context \(configuration.contextLength)\(configuration.isHeadTied ? ", tied head" : "")")
        } else if let architecture {
            Swift.print("architecture    \(CheckpointError.quoted(architecture)), not supported")
        }
        if let checkpoint {
            let summary = CheckpointSummary(checkpoint)
            Swift.print("parameters      \(summary.parameters) in \(checkpoint.tensors.count) tensors")
            Swift.print("dtypes          \(summary.dtypes.map { "\($0.dtype.rawValue) \($0.parameters)" }.joined(separator: ", "))")
            for (index, shard) in checkpoint.shards.enumerated() {
                Swift.print(
                    "file            \(shard.name) (\(shard.file.size) bytes)" + (digests.map { " sha256 \($0.files[index])" } ?? ""))
            }
        }
        if let vocabulary { Swift.print("tokenizer       BPE, \(vocabulary) tokens") }
        if let digests { Swift.print("content digest  \(digests.content)") }
        for edit in edits {
            let digest = edit["base_content_digest"]?.string ?? ""
            Swift.print("edited          by \(CheckpointError.quoted(edit["method"]?.string ?? "")) of \(CheckpointError.quoted(digest))")
        }
        guard withTensors else { return }
        for tensor in checkpoint?.tensors ?? [] {
            Swift.print("  \(CheckpointError.quoted(tensor.name))  \(tensor.dtype.rawValue) \(tensor.shape)")
        }
    }
}
