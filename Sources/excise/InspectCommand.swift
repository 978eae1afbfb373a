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

    func run() throws {
        _ = common.begin()
        // A single file has tensors but no configuration.
        let isFile = FileSystem.kind(of: FilePath(model)) == .file && !Archive.isArchive(FilePath(model))
        let opened = isFile ? nil : try OpenModel(model)
        let checkpoint = try opened?.model.checkpoint ?? Checkpoint(FilePath(model))
        var vocabulary: Int?
        if let opened, FileSystem.kind(of: opened.model.path.appending("tokenizer.json")) != nil {
            vocabulary = try opened.tokenizer().vocabularySize
        }
        let warnings = checkpoint.shards.flatMap { shard in
            shard.header.warnings.map { (path: shard.file.path.lastComponent?.string ?? "", warning: $0) }
        }
        for (path, warning) in warnings { standardError("excise: warning: \(path): \(warning).") }
        let digest = try checkpoint.contentDigest()
        var perType: [(name: String, count: Int)] = []
        for tensor in checkpoint.tensors {
            if let index = perType.firstIndex(where: { $0.name == tensor.dtype.rawValue }) {
                perType[index].count += tensor.elementCount
            } else {
                perType.append((tensor.dtype.rawValue, tensor.elementCount))
            }
        }
        let parameters = checkpoint.tensors.reduce(0) { $0 + $1.elementCount }
        if common.json {
            var report = Report("inspect")
            try report.addInput("model", model, model: checkpoint)
            report.members = [
                ("architecture", opened.map { .string($0.model.configuration.architecture.modelType) } ?? .null),
                ("parameters", .integer(parameters)),
                ("dtypes", .object(JSONObject(members: perType.map { ($0.name, .integer($0.count)) }))),
                (
                    "shards",
                    .array(
                        checkpoint.shards.map {
                            .members(["path": .string($0.file.path.lastComponent?.string ?? ""), "bytes": .integer($0.file.size)])
                        })
                ),
                ("tokenizer", vocabulary.map { .members(["kind": "bpe", "vocabulary": .integer($0)]) } ?? .null),
                ("content_digest", .string(digest.description)),
                ("edits", []),
                (
                    "warnings",
                    .array(
                        warnings.map {
                            .members([
                                "path": .string($0.path), "kind": .string($0.warning.rawValue), "message": .string($0.warning.description),
                            ])
                        })
                ),
            ]
            if tensors {
                report.members.append(
                    (
                        "tensors",
                        .array(
                            checkpoint.tensors.map {
                                .members([
                                    "name": .string($0.name), "dtype": .string($0.dtype.rawValue),
                                    "shape": .array($0.shape.map(JSONValue.integer)),
                                ])
                            })
                    ))
            }
            report.print()
            return
        }
        if let configuration = opened?.model.configuration {
            print(
                "architecture    \(configuration.architecture.modelType), \(configuration.layerCount) layers, width \(configuration.hiddenSize), "
                    + "\(configuration.headCount) heads (\(configuration.keyValueHeadCount) key/value), feed-forward \(configuration.feedForwardSize), "
                    + "context \(configuration.contextLength)\(configuration.isHeadTied ? ", tied head" : "")")
        }
        print("parameters      \(parameters) in \(checkpoint.tensors.count) tensors")
        print("dtypes          \(perType.map { "\($0.name) \($0.count)" }.joined(separator: ", "))")
        for shard in checkpoint.shards {
            print("file            \(shard.file.path.lastComponent?.string ?? "") (\(shard.file.size) bytes)")
        }
        if let vocabulary { print("tokenizer       BPE, \(vocabulary) tokens") }
        print("content digest  \(digest)")
        if tensors {
            for tensor in checkpoint.tensors { print("  \(CheckpointError.quoted(tensor.name))  \(tensor.dtype.rawValue) \(tensor.shape)") }
        }
    }
}
