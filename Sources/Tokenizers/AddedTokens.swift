/// The tokens of `added_tokens`: they are found in the text itself and never cut.
struct AddedTokens: Sendable {
    /// Those looked for in the text as it comes.
    private(set) var beforeNormalization = AddedTokenMatcher()
    /// Those looked for in the normalised text, by their own normalised form.
    private(set) var afterNormalization = AddedTokenMatcher()
    /// By id, the bytes that decoding starts from: the normalised form where it is that one that is looked for.
    private var decodedForms: [Int32: [UInt8]] = [:]
    private var specialTokens: Set<[UInt8]> = []

    /// None that are looked for in a text, and some that are left out with the special ones.
    init(special: [[UInt8]]) { specialTokens = Set(special) }

    /// The file's `added_tokens`; puts those that the model does not have into its vocabulary.
    init(
        _ definition: TokenizerDefinition?, normalizer: Normalizer?, vocabulary: inout Vocabulary
    ) throws(TokenizerError) {
        var nextIdentifier = vocabulary.count
        var contents: Set<[UInt8]> = []
        for entry in try definition?.elements() ?? [] {
            let content = Array(try entry.member("content").string().utf8)
            let declared = try entry.member("id").integer()
            let normalized = try entry.member("normalized").boolean()
            // Hugging Face tokenizers passes over an empty one.
            guard !content.isEmpty else { continue }
            let known = vocabulary[content]
            let assigned = known.map(Int.init) ?? nextIdentifier
            guard declared == assigned else {
                throw .misplacedAddedToken(file: entry.file, item: entry.item, declared: declared, assigned: assigned)
            }
            if known == nil {
                try vocabulary.insert(content, identifier: assigned, file: entry.file, item: entry.item)
                nextIdentifier += 1
            }
            let limit = TextLimit(for: content.count, file: entry.file, item: entry.item)
            let form = normalized ? try normalizer?.normalized(content, limit) ?? content : content
            guard contents.insert(content).inserted else { throw Self.duplicate(content, entry) }
            let token = AddedTokenMatcher.Token(
                identifier: Int32(assigned),
                isSingleWord: try entry.member("single_word").boolean(),
                stripsLeft: try entry.member("lstrip").boolean(),
                stripsRight: try entry.member("rstrip").boolean())
            let isNew = normalized ? afterNormalization.insert(form, token) : beforeNormalization.insert(form, token)
            guard isNew else { throw Self.duplicate(form, entry) }
            decodedForms[token.identifier] = form
            if try entry.member("special").boolean() { specialTokens.insert(content) }
        }
    }

    /// The bytes that decoding starts from; nil where the id is no added token's.
    func decodedForm(of identifier: Int32) -> [UInt8]? { decodedForms[identifier] }

    /// Whether a token of these bytes is left out where special tokens are.
    func isSpecial(_ token: [UInt8]) -> Bool { specialTokens.contains(token) }

    private static func duplicate(_ form: [UInt8], _ entry: TokenizerDefinition) -> TokenizerError {
        .duplicateAddedToken(file: entry.file, item: entry.item, token: String(decoding: form, as: UTF8.self))
    }
}
