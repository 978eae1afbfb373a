internal import Checkpoints
internal import Storage
internal import SystemPackage
internal import Tokenizers
internal import Verification

/// What MODEL names on the command line: a directory, an archive of one, a single file of tensors, or a model in the hub's cache.
enum ModelPlace {
    case files(FileTree)
    case single(InputFile)

    init(_ name: String) throws {
        let path = FilePath(name)
        switch FileSystem.kind(of: path) {
        case .directory:
            self = .files(try FileTree(directory: path))
        case .file where Archive.isArchive(path):
            self = .files(try FileTree(archive: path, scratch: FilePath(Environment.value(of: "TMPDIR") ?? "/tmp")))
        case nil where HubCache.isName(name):
            self = .files(try HubCache().snapshot(of: name))
        default:
            self = .single(try InputFile(path))
        }
    }

    var files: FileTree {
        get throws {
            switch self {
            case .files(let files): return files
            case .single(let file) where file.path.extension?.lowercased() == "gguf": throw CheckpointError.unconvertedGGUF(file.path)
            case .single(let file): throw StorageError.notADirectory(file.path)
            }
        }
    }

    var checkpoint: Checkpoint {
        get throws {
            switch self {
            case .files(let files): try Checkpoint(files)
            case .single(let file): try Checkpoint(file: file)
            }
        }
    }

    /// What is wrong with its files.
    var audit: ModelAudit {
        switch self {
        case .files(let files): ModelAudit(files)
        case .single(let file): ModelAudit(file)
        }
    }

    /// What `convert` reads.
    var conversionSource: ConversionSource {
        get throws {
            if case .single(let file) = self, file.path.extension?.lowercased() == "gguf" { return try ConversionSource(GGUFModel(file)) }
            return try ConversionSource(checkpoint)
        }
    }

    /// Nil of a single file.
    var configuration: ModelConfiguration? {
        get throws { if case .files(let files) = self { try ModelConfiguration(files) } else { nil } }
    }

    /// What has been edited in it; nil of a single file.
    var history: EditHistory? {
        get throws { if case .files(let files) = self { try EditHistory(of: files) } else { nil } }
    }

    /// What config.json calls the family; nil of a single file.
    var modelType: String? {
        get throws {
            if case .files(let files) = self { try files.file("config.json").json(limit: 16 << 20)["model_type"]?.string } else { nil }
        }
    }

    /// How many tokens the tokenizer knows; nil where there is none.
    var vocabularySize: Int? {
        get throws {
            guard case .files(let files) = self, !Tokenizer.fileNames(in: files).isEmpty else { return nil }
            return try Tokenizer(files).vocabularySize
        }
    }
}

/// A model that can be computed, as the command line names it.
struct OpenModel {
    let name: String
    let model: LanguageModel

    init(_ name: String) throws {
        self.name = name
        model = try LanguageModel(ModelPlace(name).files)
    }

    func tokenizer() throws -> Tokenizer { try Tokenizer(model.files) }

    func encoder(_ tokenizer: Tokenizer, _ options: TextOptions, context: Int? = nil) throws -> RecordEncoder {
        try RecordEncoder(model, tokenizer, prefix: options.prefix.prefix, context: context)
    }
}
