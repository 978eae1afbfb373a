internal import ArgumentParser
internal import Checkpoints
internal import Storage
internal import SystemPackage
internal import Tensors
internal import Tokenizers

struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "What a checkpoint is: architecture, parameters, dtypes, shards, digest.")

    @Argument(help: "A model's directory, or a .safetensors file.") var model: String
    @Flag(help: "List every tensor.") var tensors = false
    @OptionGroup var common: CommonOptions

    @Flag(inversion: .prefixedNo, help: "Read the tensors and print the digests; without, only headers are read.") var digest = true

    func run() throws {
        _ = common.begin()
        let place = try ModelPlace(model)
        let checkpoint = try place.checkpoint
        for (name, warning) in checkpoint.warnings { standardError("excise: warning: \(name): \(warning).") }
        let inspection = try Inspection(
            checkpoint: checkpoint, summary: CheckpointSummary(checkpoint), digests: digest ? CheckpointDigests(of: checkpoint) : nil,
            configuration: place.configuration, vocabulary: place.vocabularySize)
        if common.json {
            var report = Report("inspect")
            report.addInput("model", model, inspection.digests?.content)
            report.members = inspection.members + (tensors ? [inspection.tensors] : [])
            report.print()
        } else {
            inspection.print()
            guard tensors else { return }
            for tensor in checkpoint.tensors { print("  \(CheckpointError.quoted(tensor.name))  \(tensor.dtype.rawValue) \(tensor.shape)") }
        }
    }
}

/// What was found, as a report and as lines for people.
private struct Inspection {
    let checkpoint: Checkpoint
    let summary: CheckpointSummary
    let digests: CheckpointDigests?
    let configuration: ModelConfiguration?
    let vocabulary: Int?

    var members: [(name: String, value: JSONValue)] {
        let files = checkpoint.shards.enumerated().map { index, shard in
            JSONValue.members([
                "path": .string(shard.name), "bytes": .integer(shard.file.size),
                "sha256": digests.map { .string($0.files[index].description) } ?? .null,
            ])
        }
        return [
            ("architecture", configuration.map { .string($0.architecture.modelType) } ?? .null),
            ("parameters", .integer(summary.parameters)),
            ("dtypes", .object(JSONObject(members: summary.dtypes.map { ($0.dtype.rawValue, .integer($0.parameters)) }))),
            ("shards", .array(files)),
            ("tokenizer", vocabulary.map { .members(["kind": "bpe", "vocabulary": .integer($0)]) } ?? .null),
            ("content_digest", digests.map { .string($0.content.description) } ?? .null),
            ("edits", []),
            (
                "warnings",
                .array(
                    checkpoint.warnings.map {
                        .members([
                            "path": .string($0.shard), "kind": .string($0.warning.rawValue), "message": .string($0.warning.description),
                        ])
                    })
            ),
        ]
    }

    var tensors: (name: String, value: JSONValue) {
        (
            "tensors",
            .array(
                checkpoint.tensors.map {
                    .members([
                        "name": .string($0.name), "dtype": .string($0.dtype.rawValue), "shape": .array($0.shape.map(JSONValue.integer)),
                    ])
                })
        )
    }

    func print() {
        if let configuration {
            Swift.print(
                "architecture    \(configuration.architecture.modelType), \(configuration.layerCount) layers, width \(configuration.hiddenSize), "
                    + "\(configuration.headCount) heads (\(configuration.keyValueHeadCount) key/value), feed-forward \(configuration.feedForwardSize), "
                    + "context \(configuration.contextLength)\(configuration.isHeadTied ? ", tied head" : "")")
        }
        Swift.print("parameters      \(summary.parameters) in \(checkpoint.tensors.count) tensors")
        Swift.print("dtypes          \(summary.dtypes.map { "\($0.dtype.rawValue) \($0.parameters)" }.joined(separator: ", "))")
        for (index, shard) in checkpoint.shards.enumerated() {
            Swift.print("file            \(shard.name) (\(shard.file.size) bytes)" + (digests.map { " sha256 \($0.files[index])" } ?? ""))
        }
        if let vocabulary { Swift.print("tokenizer       BPE, \(vocabulary) tokens") }
        if let digests { Swift.print("content digest  \(digests.content)") }
    }
}
