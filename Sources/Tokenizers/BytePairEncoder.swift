internal import Storage

/// The model BPE: byte-pair encoding of one word.
final class BytePairEncoder: Sendable {
    let vocabulary: Vocabulary
    private let merges: MergeTable
    private let file: String
    /// What stands for a character without a token; nil where such a character is dropped.
    private let unknownToken: String?
    private let unknownIdentifier: Int32?
    private let fusesUnknown: Bool
    /// Whether a word that is a token stays whole, whatever the merges.
    private let ignoresMerges: Bool
    /// Nil without byte fallback.
    private let byteTokens: ByteTokens?
    /// By ASCII character: its token, or -1 where there is none.
    private let asciiTokens: [Int32]
    private let affixes: Affixes

    /// What is put before each character of a word but the first, and behind its last one, to look up its token.
    struct Affixes: Sendable {
        var prefix: [UInt8] = []
        var suffix: [UInt8] = []

        var areEmpty: Bool { prefix.isEmpty && suffix.isEmpty }
    }

    /// The file's `model`. Throws `unsupported` for dropout, which would give other ids each time.
    init(_ definition: TokenizerDefinition) throws(TokenizerError) {
        if let dropout = definition.optional("dropout") {
            guard dropout.value.number == 0 else { throw dropout.unsupported("not 0") }
        }
        let vocabulary = try Vocabulary(try definition.member("vocab"))
        var affixes = Affixes()
        if let prefix = definition.optional("continuing_subword_prefix") { affixes.prefix = Array(try prefix.string().utf8) }
        if let suffix = definition.optional("end_of_word_suffix") { affixes.suffix = Array(try suffix.string().utf8) }
        let unknown = try definition.optional("unk_token")?.string()
        let unknownIdentifier = unknown.flatMap { vocabulary[Array($0.utf8)] }
        let byteTokens = try definition.boolean("byte_fallback", default: false) ? ByteTokens(vocabulary) : nil
        var merges = try Self.merges(try definition.member("merges"), vocabulary, prefix: affixes.prefix)
        if affixes.areEmpty {
            let bytes = Set(byteTokens?.identifiers ?? [])
            merges.findJoints(symbols: vocabulary.size, length: { vocabulary[$0]?.count ?? 0 }) { identifier in
                guard let token = vocabulary[identifier], !token.isEmpty else { return false }
                let isOneScalar = token.dropFirst().allSatisfy { $0 & 0xC0 == 0x80 }
                return isOneScalar || bytes.contains(identifier) || identifier == unknownIdentifier
            }
        }
        fusesUnknown = try definition.boolean("fuse_unk", default: false)
        ignoresMerges = try definition.boolean("ignore_merges", default: false)
        (unknownToken, self.unknownIdentifier) = (unknown, unknownIdentifier)
        asciiTokens = (UInt8(0)..<128).map { vocabulary[[$0]] ?? -1 }
        file = definition.file
        (self.vocabulary, self.byteTokens, self.merges, self.affixes) = (vocabulary, byteTokens, merges, affixes)
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
            let range = position..<position + word.scalarLength(at: position)
            position = range.upperBound
            let found = affixes.areEmpty ? symbol(word, range) : vocabulary[affixed(word, range)]
            if let found {
                if let unknown = pendingUnknown { append(unknown) }
                pendingUnknown = nil
                append(found)
            } else if let byteTokens, byteTokens.append(of: affixed(word, range), append) {
                // A pending unknown stays pending, and so comes after these: as in Hugging Face tokenizers.
            } else if let unknownToken {
                guard let unknownIdentifier else { throw .unknownTokenOutOfVocabulary(file: file, token: unknownToken) }
                if let previous = pendingUnknown, !fusesUnknown { append(previous) }
                pendingUnknown = unknownIdentifier
            }
        }
        if let unknown = pendingUnknown { append(unknown) }
        merger.finish(merges, into: &identifiers)
    }

    @inline(__always)
    private func symbol(_ word: Span<UInt8>, _ range: Range<Int>) -> Int32? {
        guard range.count == 1 else { return vocabulary[word.extracting(range)] }
        let token = asciiTokens[Int(word[range.lowerBound])]
        return token < 0 ? nil : token
    }

    private func affixed(_ word: Span<UInt8>, _ range: Range<Int>) -> [UInt8] {
        var text = range.lowerBound == 0 ? [] : affixes.prefix
        text.append(copying: word.extracting(range))
        return range.upperBound == word.count ? text + affixes.suffix : text
    }

    // MARK: Merges

    /// `model.merges`: each `"a b"` or `["a", "b"]`. Throws where one is malformed or names a token that is not in the vocabulary.
    ///
    /// - Parameter prefix: what the right part loses in the merge.
    private static func merges(
        _ definition: TokenizerDefinition, _ vocabulary: Vocabulary, prefix: [UInt8]
    ) throws(TokenizerError) -> MergeTable {
        let elements = try definition.elements()
        var merges = MergeTable(capacity: elements.count)
        var rank: UInt32 = 0
        for entry in elements {
            // Hugging Face tokenizers takes these for the first line of a merges.txt.
            if let line = entry.value.string, line.utf8.starts(with: "#version".utf8) { continue }
            let (left, right) = try tokens(entry)
            guard right.count >= prefix.count else { throw .malformedMerge(file: entry.file, item: entry.item) }
            func identifier(_ token: [UInt8]) throws(TokenizerError) -> Int32 {
                guard let identifier = vocabulary[token] else {
                    throw .mergeOutOfVocabulary(file: entry.file, item: entry.item, token: String(decoding: token, as: UTF8.self))
                }
                return identifier
            }
            let (first, second) = (try identifier(left), try identifier(right))
            let result = try identifier(left + right.dropFirst(prefix.count))
            merges.insert(first, second, MergeTable.Merge(rank: rank, result: result))
            rank += 1
        }
        return merges
    }

    /// The two tokens of a merge. Throws `malformedMerge`.
    private static func tokens(_ entry: TokenizerDefinition) throws(TokenizerError) -> ([UInt8], [UInt8]) {
        var parts: [[UInt8]] = []
        if let line = entry.value.string {
            parts = line.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false).map { Array($0) }
        } else if let pair = entry.value.array {
            parts = pair.map { Array(($0.string ?? "").utf8) }
        }
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
            throw .malformedMerge(file: entry.file, item: entry.item)
        }
        return (parts[0], parts[1])
    }
}
