package import Storage

/// A tokenizer: text to token ids and back, in exact agreement with the library that its files are written for.
///
/// 1. A `tokenizer.json` is Hugging Face tokenizers'. Of the kinds of models, normalizers, pre-tokenizers, post-processors and
///    decoders, those that are not known here are refused by name. The file's `truncation` and `padding` are no part of its
///    meaning here: a text is encoded whole.
/// 2. A `tokenizer.model` is SentencePiece's, of the types BPE and Unigram.
/// 3. A `vocab.json` with its `merges.txt` is GPT-2's, as transformers reads it.
package struct Tokenizer: Sendable {
    let model: Model
    let addedTokens: AddedTokens
    let normalizer: Normalizer?
    /// Without its last step, where that writes bytes as characters.
    let preTokenizer: PreTokenizer?
    /// Whether words are written in the `ByteAlphabet` before the model sees them.
    let writesBytes: Bool
    let postProcessor: PostProcessor
    private let decoder: Decoder?
    /// The model's tokens and the added ones.
    private let vocabulary: Vocabulary
    private let name: String

    /// Takes what is there of `tokenizer.json`, `tokenizer.model`, and `vocab.json` with `merges.txt`, in this order.
    ///
    /// Throws `noTokenizer` where there is none of them, and what `init(file:)` throws.
    package init(_ files: FileTree) throws(TokenizerError) { try self.init(TokenizerSource(files)) }

    /// Reads a `tokenizer.json`, or a `tokenizer.model` of SentencePiece where the name ends in `.model`.
    ///
    /// Throws `storage` where it cannot be read, `unsupported` or `unsupportedExpression` where it needs what is not
    /// known here, and other errors that name the item where it is malformed.
    package init(file: InputFile) throws(TokenizerError) { try self.init(TokenizerSource(file)) }

    private init(_ source: TokenizerSource) throws(TokenizerError) {
        switch source {
        case .definition(let json, let name): try self.init(json: json, name: name)
        case .sentencePiece(let bytes, let settings, let name):
            try self.init(SentencePieceModel(bytes, file: name), settings: settings)
        }
    }

    /// The names of the files that `init` reads the tokenizer from; none where there is none.
    package static func fileNames(in files: FileTree) -> [String] { TokenizerSource.fileNames(in: files) }

    /// Takes the contents of a `tokenizer.json`.
    ///
    /// - Parameter name: what errors call the file.
    package init(json: JSONValue, name: String) throws(TokenizerError) {
        let definition = try TokenizerDefinition(file: name, document: json)
        if let version = definition.optional("version"), case let text = try version.string(), text != "1.0" {
            throw version.unsupported(text.debugDescription)
        }
        model = try Model(try definition.member("model"))
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
        let wordCutter = preTokenizer?.withoutWritingBytes
        (self.normalizer, self.preTokenizer, self.decoder) = (normalizer, wordCutter ?? preTokenizer, decoder)
        (self.vocabulary, self.name, writesBytes) = (vocabulary, name, wordCutter != nil)
    }

    private init(_ definition: SentencePieceModel, settings: JSONValue) throws(TokenizerError) {
        let encoder = try SentencePieceEncoder(definition)
        model = .sentencePiece(encoder)
        vocabulary = encoder.vocabulary
        normalizer = .sentencePiece(
            try SentencePieceNormalizer(
                definition.normalization, hasSpacesBehind: definition.hasSpacesBehind, userDefined: encoder.userDefined,
                file: definition.file))
        addedTokens = AddedTokens(special: definition.pieces.filter { $0.kind == .control || $0.kind == .unknown }.map(\.text))
        (preTokenizer, writesBytes, name) = (nil, false, definition.file)
        decoder = .sentencePiece(try SentencePieceDecoder(definition))
        postProcessor = PostProcessor(
            prefix: settings["add_bos_token"]?.boolean == true ? [encoder.vocabulary[definition.beginning]].compactMap { $0 } : [],
            suffix: settings["add_eos_token"]?.boolean == true ? [encoder.vocabulary[definition.end]].compactMap { $0 } : [])
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
    /// this text, `textTooLong`, and `unknownTokenOutOfVocabulary`.
    package func encode(_ text: String, addingSpecialTokens: Bool) throws(TokenizerError) -> [Int32] {
        var encoder = TextEncoder(self)
        return try encoder.encode(text, addingSpecialTokens: addingSpecialTokens)
    }

    /// The text of ids. Bytes that are no UTF-8 become U+FFFD.
    ///
    /// Throws `noSuchToken` for an id outside the vocabulary, `matchFailed`, and `textTooLong`.
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
        let limit = limit(for: tokens.reduce(0) { $0 + $1.count }, "decoder")
        return String(decoding: Array(try decoder.decoded(tokens, limit).joined()), as: UTF8.self)
    }

    /// How long `count` bytes of text may become in a part of this tokenizer.
    func limit(for count: Int, _ part: String) -> TextLimit { TextLimit(for: count, file: name, item: part) }
}
