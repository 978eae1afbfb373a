/// Encodes texts one after another with one tokenizer, remembering the words they share.
///
/// Gives what `Tokenizer.encode` gives, sooner where there are many short texts. Use one in each thread.
package struct TextEncoder {
    private let tokenizer: Tokenizer
    private var cache = WordCache()
    private var workspace = Model.Workspace()
    private var written: [UInt8] = []

    package init(_ tokenizer: Tokenizer) { self.tokenizer = tokenizer }

    /// The ids of a text. With special tokens, between those of the tokenizer's template.
    ///
    /// Throws `matchFailed` where a regular expression exceeds its bounds on this text, `textTooLong`, and
    /// `unknownTokenOutOfVocabulary`.
    package mutating func encode(_ text: String, addingSpecialTokens: Bool) throws(TokenizerError) -> [Int32] {
        var identifiers: [Int32] = []
        try encode(text, addingSpecialTokens: addingSpecialTokens, into: &identifiers)
        return identifiers
    }

    /// Appends the ids of a text.
    package mutating func encode(
        _ text: String, addingSpecialTokens: Bool, into identifiers: inout [Int32]
    ) throws(TokenizerError) {
        if addingSpecialTokens { identifiers += tokenizer.postProcessor.prefix }
        let text = text.utf8.span
        try tokenizer.addedTokens.beforeNormalization.forEachPiece(of: text) { (range, token) throws(TokenizerError) in
            if let token { return identifiers.append(token) }
            let piece = text.extracting(range)
            if let normalizer = tokenizer.normalizer {
                let normalized = try normalizer.normalized(Array(copying: piece), tokenizer.limit(for: range.count, "normalizer"))
                try encode(normalized: normalized.span, isAtStart: range.lowerBound == 0, into: &identifiers)
            } else {
                try encode(normalized: piece, isAtStart: range.lowerBound == 0, into: &identifiers)
            }
        }
        if addingSpecialTokens { identifiers += tokenizer.postProcessor.suffix }
    }

    private mutating func encode(
        normalized text: Span<UInt8>, isAtStart: Bool, into identifiers: inout [Int32]
    ) throws(TokenizerError) {
        try tokenizer.addedTokens.afterNormalization.forEachPiece(of: text) { (range, token) throws(TokenizerError) in
            if let token { return identifiers.append(token) }
            let piece = text.extracting(range)
            guard let preTokenizer = tokenizer.preTokenizer else { return try encode(word: piece, into: &identifiers) }
            let limit = tokenizer.limit(for: range.count, "pre_tokenizer")
            try preTokenizer.split(piece, isAtStart: isAtStart && range.lowerBound == 0, limit) { (word) throws(TokenizerError) in
                try encode(word: word, into: &identifiers)
            }
        }
    }

    private mutating func encode(word: Span<UInt8>, into identifiers: inout [Int32]) throws(TokenizerError) {
        let isShort = word.count <= WordCache.longestWord
        if isShort, cache.append(word, to: &identifiers) { return }
        let start = identifiers.count
        if tokenizer.writesBytes {
            // Out of the encoder for as long as it is read.
            var characters: [UInt8] = []
            swap(&characters, &written)
            defer { swap(&characters, &written) }
            characters.removeAll(keepingCapacity: true)
            ByteAlphabet.append(word, to: &characters)
            try tokenizer.model.encode(characters.span, with: &workspace, into: &identifiers)
        } else {
            try tokenizer.model.encode(word, with: &workspace, into: &identifiers)
        }
        if isShort { cache.insert(word, identifiers[start...]) }
    }
}
