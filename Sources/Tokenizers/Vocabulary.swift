/// Tokens and their ids, both ways. Tokens are bytes: Swift strings are equal where they are canonically equivalent,
/// and would merge tokens that a vocabulary tells apart.
struct Vocabulary: Sendable {
    /// Ids are below this: far above any vocabulary in use, low enough to index an array by id.
    static let identifierLimit = 1 << 24

    private var tokens = ByteStringTable()
    /// By index in `tokens`.
    private var identifiers: [Int32] = []
    /// By id: index in `tokens`, or -1 where no token has that id.
    private var indexByIdentifier: [Int32] = []

    init() {}

    /// The tokens of `model.vocab`. Throws where an id is no integer, out of range, or given twice.
    init(_ definition: TokenizerDefinition) throws(TokenizerError) {
        for (token, entry) in try definition.entries() {
            try insert(Array(token.utf8), identifier: entry.integer(), file: entry.file, item: entry.item)
        }
    }

    /// The number of tokens.
    var count: Int { tokens.count }

    /// The largest id + 1.
    var size: Int { indexByIdentifier.count }

    subscript(token: Span<UInt8>) -> Int32? { tokens.index(of: token).map { identifiers[$0] } }

    subscript(token: [UInt8]) -> Int32? { self[token.span] }

    /// The bytes of a token; nil where no token has that id.
    subscript(identifier: Int32) -> ArraySlice<UInt8>? {
        guard indexByIdentifier.indices.contains(Int(identifier)), indexByIdentifier[Int(identifier)] >= 0 else { return nil }
        return tokens[Int(indexByIdentifier[Int(identifier)])]
    }

    /// Adds a token. Throws where its id is out of range, or where it or its id is there already.
    mutating func insert(
        _ token: [UInt8], identifier: Int, file: String, item: @autoclosure () -> String
    ) throws(TokenizerError) {
        guard (0..<Self.identifierLimit).contains(identifier) else {
            throw .identifierOutOfRange(file: file, item: item(), identifier: identifier, limit: Self.identifierLimit)
        }
        let (index, isNew) = tokens.insert(token.span)
        guard isNew, self[Int32(identifier)] == nil else {
            throw .duplicateIdentifier(file: file, item: item(), identifier: identifier)
        }
        identifiers.append(Int32(identifier))
        if identifier >= size {
            indexByIdentifier.append(contentsOf: repeatElement(-1, count: identifier + 1 - size))
        }
        indexByIdentifier[identifier] = Int32(index)
    }
}
