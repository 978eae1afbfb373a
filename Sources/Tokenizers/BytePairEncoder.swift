internal import Storage

/// The model: byte-pair encoding of one word.
struct BytePairEncoder: Sendable {
    let vocabulary: Vocabulary
    private let merges: MergeTable
    private let file: String
    /// What stands for a character without a token; nil where such a character is dropped.
    private let unknownToken: String?
    private let fusesUnknown: Bool
    /// Whether a word that is a token stays whole, whatever the merges.
    private let ignoresMerges: Bool
    /// By byte: the token `<0xNN>`, or -1 where there is none. Empty without byte fallback.
    private let byteTokens: [Int32]
    /// By ASCII character: its token, or -1 where there is none.
    private let asciiTokens: [Int32]

    /// The file's `model`. Throws `unsupported` where it is not a byte-pair encoding, or one with a prefix, a suffix or dropout.
    init(_ definition: TokenizerDefinition) throws(TokenizerError) {
        // Old files leave the type out.
        if let type = definition.optional("type"), case let name = try type.string(), name != "BPE" {
            throw definition.unsupported("the model \(name)")
        }
        for name in ["continuing_subword_prefix", "end_of_word_suffix"] {
            if let affix = definition.optional(name), case let text = try affix.string(), !text.isEmpty {
                throw affix.unsupported(text.debugDescription)
            }
        }
        if let dropout = definition.optional("dropout") {
            guard dropout.value.number == 0 else { throw dropout.unsupported("not 0") }
        }
        let vocabulary = try Vocabulary(try definition.member("vocab"))
        let unknown = try definition.optional("unk_token")?.string()
        let unknownIdentifier = unknown.flatMap { vocabulary[Array($0.utf8)] }
        var byteTokens: [Int32] = []
        if try definition.boolean("byte_fallback", default: false) {
            byteTokens = (UInt8.min...UInt8.max).map { byte in
                let digits = String(byte, radix: 16, uppercase: true)
                return vocabulary[Array("<0x\(digits.utf8.count < 2 ? "0" : "")\(digits)>".utf8)] ?? -1
            }
        }
        let bytes = Set(byteTokens)
        merges = try MergeTable(try definition.member("merges"), vocabulary: vocabulary) { identifier in
            guard let token = vocabulary[identifier], !token.isEmpty else { return false }
            let isOneScalar = token.dropFirst().allSatisfy { $0 & 0xC0 == 0x80 }
            return isOneScalar || bytes.contains(identifier) || identifier == unknownIdentifier
        }
        fusesUnknown = try definition.boolean("fuse_unk", default: false)
        ignoresMerges = try definition.boolean("ignore_merges", default: false)
        unknownToken = unknown
        asciiTokens = (UInt8(0)..<128).map { vocabulary[[$0]] ?? -1 }
        file = definition.file
        (self.vocabulary, self.byteTokens) = (vocabulary, byteTokens)
    }

    /// Appends the ids of a word that is not empty. Throws `unknownTokenOutOfVocabulary`.
    func encode(_ word: Span<UInt8>, with merger: inout SymbolMerger, into identifiers: inout [Int32]) throws(TokenizerError) {
        if ignoresMerges, let whole = vocabulary[word] { return identifiers.append(whole) }
        var lastSymbol: Int32?
        // Most neighbours never merge, so a word of any length falls into short stretches.
        func append(_ symbol: Int32) {
            if let lastSymbol, !merges.mayJoin(lastSymbol, symbol) { merger.finish(merges, into: &identifiers) }
            merger.append(symbol)
            lastSymbol = symbol
        }
        var pendingUnknown: Int32?
        var position = 0
        while position < word.count {
            let length = word.scalarLength(at: position)
            let range = position..<position + length
            position = range.upperBound
            if let symbol = symbol(word, range) {
                if let unknown = pendingUnknown { append(unknown) }
                pendingUnknown = nil
                append(symbol)
            } else if !byteTokens.isEmpty, range.allSatisfy({ byteTokens[Int(word[$0])] >= 0 }) {
                // A pending unknown stays pending, and so comes after these: as in Hugging Face tokenizers.
                for byte in range { append(byteTokens[Int(word[byte])]) }
            } else if let unknownToken {
                guard let unknown = vocabulary[Array(unknownToken.utf8)] else {
                    throw .unknownTokenOutOfVocabulary(file: file, token: unknownToken)
                }
                if let previous = pendingUnknown, !fusesUnknown { append(previous) }
                pendingUnknown = unknown
            }
        }
        if let unknown = pendingUnknown { append(unknown) }
        merger.finish(merges, into: &identifiers)
    }

    private func symbol(_ word: Span<UInt8>, _ range: Range<Int>) -> Int32? {
        guard range.count == 1 else { return vocabulary[word.extracting(range)] }
        let token = asciiTokens[Int(word[range.lowerBound])]
        return token < 0 ? nil : token
    }
}
