/// The pre-tokenizer ByteLevel: cuts a text by GPT-2's expression, unless it leaves that to others, and writes each byte as a character.
struct ByteLevel: Sendable {
    private let addsPrefixSpace: Bool
    private let expression: RegularExpression?
    /// Whether bytes are written in the `ByteAlphabet`.
    private var writes = true

    init(_ definition: TokenizerDefinition) throws(TokenizerError) {
        addsPrefixSpace = try definition.member("add_prefix_space").boolean()
        let cuts = try definition.boolean("use_regex", default: true)
        expression = cuts ? try RegularExpression(oniguruma: Self.words, file: definition.file, item: definition.item) : nil
    }

    /// The same, but bytes stay bytes; nil where they do already.
    var withoutWriting: ByteLevel? {
        guard writes else { return nil }
        var other = self
        other.writes = false
        return other
    }

    /// Whether it leaves every text as it is.
    var isEmpty: Bool { !addsPrefixSpace && expression == nil && !writes }

    /// Calls `receive` with the words of a text that is not empty.
    func split(_ text: Span<UInt8>, _ receive: PreTokenizer.Receiver) throws(TokenizerError) {
        guard addsPrefixSpace, text[0] != UInt8(ascii: " ") else { return try cut(text, receive) }
        let prefixed = [UInt8(ascii: " ")] + Array(copying: text)
        try cut(prefixed.span, receive)
    }

    private func cut(_ text: Span<UInt8>, _ receive: PreTokenizer.Receiver) throws(TokenizerError) {
        var word: [UInt8] = []
        func pass(_ range: Range<Int>) throws(TokenizerError) {
            guard writes else { return try receive(text.extracting(range)) }
            word.removeAll(keepingCapacity: true)
            ByteAlphabet.append(text.extracting(range), to: &word)
            try receive(word.span)
        }
        guard let expression else { return try pass(text.indices) }
        try expression.forEachPiece(in: text) { (range, _) throws(TokenizerError) in
            if !range.isEmpty { try pass(range) }
        }
    }

    private static let words = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
}
