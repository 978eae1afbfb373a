internal import Storage

/// The model Unigram: of all ways to write a word in tokens, the one whose scores sum up highest.
final class UnigramEncoder: Sendable {
    let vocabulary: Vocabulary
    private let lattice: UnigramLattice
    private let unknown: Int32?
    private let byteTokens: ByteTokens?
    private let file: String

    /// The file's `model`: `vocab` is a list of tokens with their scores, whose places are their ids.
    init(_ definition: TokenizerDefinition) throws(TokenizerError) {
        let list = try definition.member("vocab")
        let entries = try list.elements()
        var vocabulary = Vocabulary()
        var tokens = ByteTrie()
        var scores: [Double] = []
        scores.reserveCapacity(entries.count)
        for (identifier, entry) in entries.enumerated() {
            guard let pair = entry.value.array, pair.count == 2, let token = pair[0].string, let score = pair[1].number, score.isFinite
            else { throw .wrongType(file: entry.file, item: entry.item, expected: "a token with its score") }
            try vocabulary.insert(Array(token.utf8), identifier: identifier, file: entry.file, item: entry.item)
            // An empty one is never met.
            _ = tokens.insert(token.utf8, Int32(identifier))
            scores.append(score)
        }
        var unknown: Int32?
        if let member = definition.optional("unk_id") {
            let identifier = try member.integer()
            guard scores.indices.contains(identifier) else {
                throw .identifierOutOfRange(file: member.file, item: member.item, identifier: identifier, limit: scores.count)
            }
            unknown = Int32(identifier)
        }
        byteTokens = try definition.boolean("byte_fallback", default: false) ? ByteTokens(vocabulary) : nil
        lattice = UnigramLattice(tokens, scores: scores, unknownScore: (scores.min() ?? 0) - UnigramLattice.unknownPenalty)
        file = definition.file
        (self.vocabulary, self.unknown) = (vocabulary, unknown)
    }

    /// Appends the ids of a word that is not empty. Throws `missing` where it needs an unknown token and there is none.
    func encode(_ word: Span<UInt8>, with path: inout UnigramLattice.Path, into identifiers: inout [Int32]) throws(TokenizerError) {
        lattice.findBest(word, &path)
        var fused = 0..<0
        for piece in path.pieces {
            // A piece that is the unknown token itself counts as unknown, too.
            let isUnknown = piece.number < 0 || piece.number == unknown
            if piece.number < 0, unknown == nil { throw .missing(file: file, item: "model.unk_id, which the text needs,") }
            if isUnknown {
                fused = (fused.isEmpty ? piece.range.lowerBound : fused.lowerBound)..<piece.range.upperBound
            } else {
                appendUnknown(word.extracting(fused), into: &identifiers)
                fused = 0..<0
                identifiers.append(piece.number)
            }
        }
        appendUnknown(word.extracting(fused), into: &identifiers)
    }

    /// A run of unknown characters: the token that it happens to be, else its bytes, else the unknown token.
    private func appendUnknown(_ run: Span<UInt8>, into identifiers: inout [Int32]) {
        guard !run.isEmpty, let unknown else { return }
        if let token = vocabulary[run] { return identifiers.append(token) }
        if let byteTokens, byteTokens.append(of: Array(copying: run), { identifiers.append($0) }) { return }
        identifiers.append(unknown)
    }
}
