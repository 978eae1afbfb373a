/// A SentencePiece model: it writes a prepared text in pieces, the whole of it at once.
final class SentencePieceEncoder: Sendable {
    /// All pieces, by their places.
    let vocabulary: Vocabulary
    /// The symbols that are found in a text before anything else.
    let userDefined: ByteTrie
    private let method: Method
    private let unknown: Int32
    private let byteTokens: ByteTokens?

    private enum Method: Sendable {
        case unigram(UnigramLattice)
        case bytePairs(SentencePieceMerges)
    }

    /// Throws `unsupported` for a kind other than Unigram and BPE, and `malformedModel` for what SentencePiece itself refuses.
    init(_ model: SentencePieceModel) throws(TokenizerError) {
        var vocabulary = Vocabulary()
        var userDefined = ByteTrie()
        var unknown: Int32?
        // Every way to cut a piece is looked at.
        guard model.pieces.reduce(0, { $0 + $1.text.count * $1.text.count }) < 1 << 33 else {
            throw .malformedModel(file: model.file, reason: "its pieces are too long to be words")
        }
        for (index, piece) in model.pieces.enumerated() {
            func refusal(_ reason: String) -> TokenizerError { .malformedModel(file: model.file, reason: "piece \(index) \(reason)") }
            guard !piece.text.isEmpty else { throw refusal("is empty") }
            guard piece.text.count < 8000 else { throw refusal("is longer than 8000 bytes") }
            guard piece.score.isFinite else { throw refusal("has a score that is no finite number") }
            guard String(validating: piece.text, as: UTF8.self) != nil else { throw refusal("is not UTF-8") }
            try vocabulary.insert(piece.text, identifier: index, file: model.file, item: "piece \(index)")
            switch piece.kind {
            case .userDefined: _ = userDefined.insert(piece.text, Int32(index))
            case .unknown:
                guard unknown == nil else { throw refusal("is a second unknown piece") }
                unknown = Int32(index)
            case .byte where !model.hasByteFallback: throw refusal("stands for a byte, though the model says that none does")
            case .unused where model.kind == .bytePairs && piece.text != [0]:
                throw .unsupported(file: model.file, item: "piece \(index)", found: "an unused piece of a BPE model")
            default: break
            }
        }
        guard let unknown else { throw .malformedModel(file: model.file, reason: "it has no unknown piece") }
        if model.hasByteFallback {
            let tokens = ByteTokens(vocabulary)
            guard tokens.identifiers.allSatisfy({ $0 >= 0 && model.pieces[Int($0)].kind == .byte }) else {
                throw .malformedModel(file: model.file, reason: "its byte pieces <0x00> to <0xFF> are not all there")
            }
            byteTokens = tokens
        } else {
            byteTokens = nil
        }
        switch model.kind {
        case .unigram: method = .unigram(Self.lattice(model.pieces))
        case .bytePairs: method = .bytePairs(SentencePieceMerges(model.pieces, vocabulary))
        case .words, .characters:
            throw .unsupported(file: model.file, item: "the model type", found: model.kind == .words ? "WORD" : "CHAR")
        }
        (self.vocabulary, self.userDefined, self.unknown) = (vocabulary, userDefined, unknown)
    }

    private static func lattice(_ pieces: [SentencePieceModel.Piece]) -> UnigramLattice {
        var tokens = ByteTrie()
        var worst = Float.greatestFiniteMagnitude
        for (index, piece) in pieces.enumerated() {
            if piece.isWritten { _ = tokens.insert(piece.text, Int32(index)) }
            if piece.kind == .normal { worst = min(worst, piece.score) }
        }
        return UnigramLattice(
            tokens, scores: pieces.map { $0.kind == .userDefined ? .nan : Double($0.score) },
            unknownScore: Double(worst - Float(UnigramLattice.unknownPenalty)), isSinglePrecision: true)
    }

    /// Appends the ids of a prepared text that is not empty.
    func encode(_ text: Span<UInt8>, with workspace: inout Model.Workspace, into identifiers: inout [Int32]) {
        var followsUnknown = false
        func append(_ piece: Int32) {
            identifiers.append(piece)
            followsUnknown = false
        }
        /// A run of unknown characters is one unknown piece; bytes are a piece each.
        func appendUnknown(_ character: [UInt8]) {
            if let byteTokens {
                _ = byteTokens.append(of: character) { identifiers.append($0) }
            } else if !followsUnknown {
                identifiers.append(unknown)
                followsUnknown = true
            }
        }
        switch method {
        case .unigram(let lattice):
            lattice.findBest(text, &workspace.path)
            for piece in workspace.path.pieces {
                if piece.number >= 0 { append(piece.number) } else { appendUnknown(Array(copying: text.extracting(piece.range))) }
            }
        case .bytePairs(let merges):
            merges.encode(text, userDefined, with: &workspace, append, appendUnknown)
        }
    }
}
