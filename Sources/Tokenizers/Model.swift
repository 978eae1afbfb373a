internal import Storage

/// What writes a word in tokens. Every kind that is not a case here is refused by name.
enum Model: Sendable {
    case bytePairs(BytePairEncoder)
    case unigram(UnigramEncoder)
    case sentencePiece(SentencePieceEncoder)

    /// What encoding needs beside the model; kept so that it need not be allocated for each word.
    struct Workspace {
        var merger = SymbolMerger()
        var path = UnigramLattice.Path()
        var symbols: [Int32] = []
    }

    /// The file's `model`. Throws `unsupported` for a kind that is not a case here.
    init(_ definition: TokenizerDefinition) throws(TokenizerError) {
        switch try definition.optional("type")?.string() {
        // Old files leave the type out.
        case "BPE": self = .bytePairs(try BytePairEncoder(definition))
        case nil where definition.value["merges"] != nil || definition.value["unk_id"] == nil:
            self = .bytePairs(try BytePairEncoder(definition))
        case "Unigram", nil: self = .unigram(try UnigramEncoder(definition))
        case let kind?: throw definition.unsupported("the model \(kind)")
        }
    }

    var vocabulary: Vocabulary {
        switch self {
        case .bytePairs(let model): model.vocabulary
        case .unigram(let model): model.vocabulary
        case .sentencePiece(let model): model.vocabulary
        }
    }

    /// Appends the ids of a word that is not empty. Throws `unknownTokenOutOfVocabulary`.
    @inline(__always)
    func encode(_ word: Span<UInt8>, with workspace: inout Workspace, into identifiers: inout [Int32]) throws(TokenizerError) {
        switch self {
        case .bytePairs(let model): try model.encode(word, with: &workspace.merger, into: &identifiers)
        case .unigram(let model): try model.encode(word, with: &workspace.path, into: &identifiers)
        case .sentencePiece(let model): model.encode(word, with: &workspace, into: &identifiers)
        }
    }
}
