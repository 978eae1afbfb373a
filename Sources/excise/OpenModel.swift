internal import Checkpoints
internal import Glibc
internal import Storage
internal import SystemPackage
internal import Tokenizers
internal import Verification

/// A model as the command line names it: a directory, or an archive of one, unpacked for as long as this lives.
struct OpenModel {
    let name: String
    let model: LanguageModel
    private let unpacked: UnpackedArchive?

    init(_ name: String) throws {
        self.name = name
        let path = FilePath(name)
        guard FileSystem.kind(of: path) != .directory, Archive.isArchive(path) else {
            unpacked = nil
            model = try LanguageModel(path)
            return
        }
        let place = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
        let archive = try UnpackedArchive(path, in: FilePath(place))
        unpacked = archive
        Interruption.willStage(archive.directory)
        model = try LanguageModel(archive.root)
    }

    func tokenizer() throws -> Tokenizer { try Tokenizer(file: model.path.appending("tokenizer.json")) }

    func encoder(_ tokenizer: Tokenizer, _ options: TextOptions, context: Int? = nil) throws -> RecordEncoder {
        try RecordEncoder(model, tokenizer, prefix: options.prefix.prefix, context: context)
    }
}
