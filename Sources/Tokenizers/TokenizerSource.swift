internal import Storage
internal import SystemPackage

/// What a tokenizer is made from: the contents of its files.
enum TokenizerSource {
    /// A `tokenizer.json`, or other files as the one that means the same. `name` is what errors call it.
    case definition(JSONValue, name: String)
    /// A `tokenizer.model` of SentencePiece; and the `tokenizer_config.json` beside it, which says whether the beginning and the end of
    /// a text are tokens of it. Without that SentencePiece itself puts none.
    case sentencePiece([UInt8], settings: JSONValue, name: String)

    /// The most bytes that a tokenizer's file may have.
    private static let largestFile = 1 << 28

    /// The names of the files that a tokenizer is read from; none where there is none.
    static func fileNames(in files: FileTree) -> [String] {
        [["tokenizer.json"], ["tokenizer.model"], ["vocab.json", "merges.txt"]].first { $0.allSatisfy(files.contains) } ?? []
    }

    /// Throws `noTokenizer` where there are no such files, and `storage`.
    init(_ files: FileTree) throws(TokenizerError) {
        guard let name = Self.fileNames(in: files).first else { throw .noTokenizer(files.path.string) }
        do {
            if name == "vocab.json" {
                self = .definition(try VocabularyFiles(files).definition, name: files.path.appending(name).string)
            } else {
                let settings = name == "tokenizer.model" && files.contains("tokenizer_config.json")
                self = try Self.read(files.file(name), settings: settings ? files.file("tokenizer_config.json").json() : .null)
            }
        } catch { throw .storage(error) }
    }

    /// A `tokenizer.model` where the name ends in `.model`, else a `tokenizer.json`. Throws `storage`.
    init(_ file: InputFile) throws(TokenizerError) {
        do { self = try Self.read(file, settings: .null) } catch { throw .storage(error) }
    }

    private static func read(_ file: InputFile, settings: JSONValue) throws(StorageError) -> TokenizerSource {
        if file.path.extension?.lowercased() == "model" {
            return .sentencePiece(try file.contents(limit: largestFile), settings: settings, name: file.path.string)
        }
        return .definition(try file.json(limit: largestFile), name: file.path.string)
    }
}
