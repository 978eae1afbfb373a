package import Storage
internal import SystemPackage

/// A Hugging Face `tokenizer.json`: text to token ids and back, in exact agreement with Hugging Face tokenizers.
///
/// Of the kinds of models, normalizers, pre-tokenizers, post-processors and decoders, those that are not known here are
/// refused by name. The file's `truncation` and `padding` are no part of its meaning here: a text is encoded whole.
package struct Tokenizer: Sendable {
    let model: BytePairEncoder
    let addedTokens: AddedTokens
    let normalizer: Normalizer?
    let preTokenizer: PreTokenizer?
    let postProcessor: PostProcessor
    private let decoder: Decoder?
    /// The model's tokens and the added ones.
    private let vocabulary: Vocabulary
    let name: String

    /// Reads a `tokenizer.json`.
    ///
    /// Throws `storage` where it cannot be read, `unsupported` or `unsupportedExpression` where it needs what is not
    /// known here, and other errors that name the item where it is malformed.
    package init(file: InputFile) throws(TokenizerError) {
        let json: JSONValue
        do { json = try file.json() } catch { throw .storage(error) }
        try self.init(json: json, name: file.path.string)
    }

    /// Takes the contents of a `tokenizer.json`.
    ///
    /// - Parameter name: what errors call the file.
    package init(json: JSONValue, name: String) throws(TokenizerError) {
        let definition = try TokenizerDefinition(file: name, document: json)
        if let version = definition.optional("version"), case let text = try version.string(), text != "1.0" {
            throw version.unsupported(text.debugDescription)
        }
        model = try BytePairEncoder(try definition.member("model"))
        var normalizer: Normalizer?
        if let part = definition.optional("normalizer") { normalizer = try Normalizer(part) }
        var vocabulary = model.vocabulary
        addedTokens = try AddedTokens(definition.optional("added_tokens"), normalizer: normalizer, vocabulary: &vocabulary)
        var preTokenizer: PreTokenizer?
        if let part = definition.optional("pre_tokenizer") {
            let stage = try PreTokenizer(part)
            // After both, which piece holds the text's first character is more than is kept here.
            if stage.dependsOnStart, normalizer != nil, !addedTokens.afterNormalization.isEmpty {
                throw part.unsupported("the prepend_scheme first with a normalizer and normalized added tokens")
            }
            preTokenizer = stage
        }
        postProcessor = try PostProcessor(definition.optional("post_processor"), vocabulary: vocabulary)
        var decoder: Decoder?
        if let part = definition.optional("decoder") { decoder = try Decoder(part) }
        (self.normalizer, self.preTokenizer, self.decoder) = (normalizer, preTokenizer, decoder)
        (self.vocabulary, self.name) = (vocabulary, name)
    }

    /// The largest id + 1, added tokens included. Fewer tokens than that exist where ids are left out.
    package var vocabularySize: Int { vocabulary.size }

    /// The ids that the post-processor's template puts before a text (the beginning of a sequence), mostly none or one.
    package var prefixTokens: [Int32] { postProcessor.prefix }

    /// The id of a token, by its exact bytes.
    package func id(of token: String) -> Int32? { vocabulary[Array(token.utf8)] }

    /// The token of an id, as the file writes it; nil where no token has that id.
    package func token(_ id: Int32) -> String? { vocabulary[id].map { String(decoding: $0, as: UTF8.self) } }

    /// The ids of a text. With special tokens, between those of the post-processor's template.
    ///
    /// For many texts a `TextEncoder` is quicker. Throws `matchFailed` where a regular expression exceeds its bounds on
    /// this text, `excessiveRewriting`, and `unknownTokenOutOfVocabulary`.
    package func encode(_ text: String, addingSpecialTokens: Bool) throws(TokenizerError) -> [Int32] {
        var encoder = TextEncoder(self)
        return try encoder.encode(text, addingSpecialTokens: addingSpecialTokens)
    }

    /// The text of ids. Bytes that are no UTF-8 become U+FFFD.
    ///
    /// Throws `noSuchToken` for an id outside the vocabulary, `matchFailed` and `excessiveRewriting`.
    package func decode(_ ids: [Int32], skippingSpecialTokens: Bool) throws(TokenizerError) -> String {
        var tokens: [[UInt8]] = []
        tokens.reserveCapacity(ids.count)
        for id in ids {
            guard let token = addedTokens.decodedForm(of: id) ?? vocabulary[id].map({ Array($0) }) else {
                throw .noSuchToken(file: name, identifier: id)
            }
            if !skippingSpecialTokens || !addedTokens.isSpecial(token) { tokens.append(token) }
        }
        guard let decoder else { return String(decoding: Array(tokens.joined(separator: [UInt8(ascii: " ")])), as: UTF8.self) }
        var allowance = RewritingAllowance(forBytes: tokens.reduce(0) { $0 + $1.count }, file: name)
        return String(decoding: Array(try decoder.decoded(tokens, &allowance).joined()), as: UTF8.self)
    }
}
