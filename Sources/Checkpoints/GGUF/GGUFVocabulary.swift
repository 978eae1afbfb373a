internal import Storage
internal import SystemPackage

/// The tokens of a GGUF file with their types and scores.
struct GGUFVocabulary {
    let tokens: [String]
    /// By the file's numbers.
    private let types: [Int]
    private let scores: [Double]
    private let path: FilePath

    private static let normal = 1, unknown = 2, control = 3, userDefined = 4
    /// No piece is longer in practice; it bounds the work of trying every way to cut one.
    private static let longestPiece = 256

    /// Throws `gguf-key`, and `gguf-tokenizer` where the arrays do not fit together or there are more than `limit` tokens.
    init(_ metadata: GGUFMetadata, limit: Int) throws(CheckpointError) {
        path = metadata.path
        let key = "tokenizer.ggml."
        guard let tokens = try metadata.strings(key + "tokens") else { throw metadata.wrongKind(key + "tokens", "an array of strings") }
        self.tokens = tokens
        types = try metadata.integers(key + "token_type") ?? [Int](repeating: Self.normal, count: tokens.count)
        scores = try metadata.numbers(key + "scores") ?? []
        guard tokens.count <= limit else {
            throw .gguf(path, kind: "gguf-tokenizer", reason: "it has \(tokens.count) tokens, but the embedding has \(limit) rows")
        }
        guard types.count == tokens.count, scores.isEmpty || scores.count == tokens.count, !scores.contains(where: \.isNaN) else {
            throw .gguf(
                path, kind: "gguf-tokenizer", reason: "its \(tokens.count) tokens have \(types.count) types and \(scores.count) scores")
        }
        var seen: Set<[UInt8]> = []
        for token in tokens where !seen.insert(Array(token.utf8)).inserted {
            throw .gguf(path, kind: "gguf-tokenizer", reason: "the token \(CheckpointError.quoted(token)) occurs twice")
        }
    }

    /// `model.vocab`
    var document: JSONValue { .object(JSONObject(members: tokens.enumerated().map { ($1, .integer($0)) })) }

    /// `added_tokens`: those that are found in the text itself and never cut.
    var addedTokens: [JSONValue] {
        tokens.indices.filter { [Self.unknown, Self.control, Self.userDefined].contains(types[$0]) }.map { id in
            .members([
                "id": .integer(id), "content": .string(tokens[id]), "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": .boolean(types[id] != Self.userDefined),
            ])
        }
    }

    /// The merges that SentencePiece's scores stand for, best first: each way to cut a normal token into two others. Of the same
    /// score, that with the longer left part goes first, then that with the longer right part, then by id.
    /// Throws `gguf-tokenizer` where there are no scores or a token is too long.
    func mergesByScore() throws(CheckpointError) -> [JSONValue] {
        guard !scores.isEmpty else { throw .gguf(path, kind: "gguf-tokenizer", reason: "it has neither merges nor scores") }
        var pieces: [ArraySlice<UInt8>: Int] = [:]
        for id in tokens.indices where types[id] == Self.normal { pieces[Array(tokens[id].utf8)[...]] = id }
        var merges: [(left: Int, right: Int, score: Double, lengths: (Int, Int), result: Int)] = []
        for id in tokens.indices where types[id] == Self.normal {
            let token = Array(tokens[id].utf8)
            guard token.count <= Self.longestPiece else {
                throw .gguf(
                    path, kind: "gguf-tokenizer",
                    reason: "the token \(id) has \(token.count) bytes; a piece has at most \(Self.longestPiece)")
            }
            var characters = 0
            let length = tokens[id].unicodeScalars.count
            // Cuts lie between characters, never inside one.
            for cut in token.indices.dropFirst() where token[cut] & 0xC0 != 0x80 {
                characters += 1
                guard let left = pieces[token[..<cut]], let right = pieces[token[cut...]] else { continue }
                merges.append((left, right, scores[id], (characters, length - characters), id))
            }
        }
        merges.sort {
            ($1.score, $1.lengths.0, $1.lengths.1, $0.result, $0.left, $0.right)
                < ($0.score, $0.lengths.0, $0.lengths.1, $1.result, $1.left, $1.right)
        }
        return merges.map { [.string(tokens[$0.left]), .string(tokens[$0.right])] }
    }
}
