internal import Storage
internal import SystemPackage

/// A GGUF file's tokenizer as tokenizer.json has it: byte-level byte-pair encoding (`gpt2`), or SentencePiece's (`llama`).
struct GGUFTokenizer {
    /// tokenizer.json
    let document: JSONValue
    private let specialTokens: GGUFSpecialTokens
    private let chatTemplate: String?

    /// The members of config.json that name special tokens.
    var identifiers: [(name: String, value: JSONValue)] { specialTokens.identifiers }

    /// Throws `gguf-key`, `gguf-tokenizer`, `gguf-tokenizer-model` or `gguf-pre-tokenizer`.
    ///
    /// - Parameter vocabularySize: the rows of the embedding; there may be fewer tokens, but not more.
    init(_ metadata: GGUFMetadata, vocabularySize: Int) throws(CheckpointError) {
        let words = try Self.words(metadata)
        let vocabulary = try GGUFVocabulary(metadata, limit: vocabularySize)
        specialTokens = try GGUFSpecialTokens(metadata, tokens: vocabulary.tokens, words: words)
        chatTemplate = try metadata.string("tokenizer.chat_template")
        let merges: [JSONValue]
        if let stored = try metadata.strings("tokenizer.ggml.merges") {
            merges = stored.map(JSONValue.string)
        } else if words.areSentencePieces {
            merges = try vocabulary.mergesByScore()
        } else {
            throw metadata.wrongKind("tokenizer.ggml.merges", "an array of strings")
        }
        let model = JSONValue.members([
            "type": "BPE", "dropout": nil, "unk_token": words.areSentencePieces ? specialTokens.unknown : nil,
            "continuing_subword_prefix": nil, "end_of_word_suffix": nil, "fuse_unk": .boolean(words.areSentencePieces),
            "byte_fallback": .boolean(words.areSentencePieces), "ignore_merges": .boolean(words.ignoresMerges),
            "vocab": vocabulary.document, "merges": .array(merges),
        ])
        document = .members([
            "version": "1.0", "truncation": nil, "padding": nil, "added_tokens": .array(vocabulary.addedTokens),
            "normalizer": words.normalizer, "pre_tokenizer": words.preTokenizer, "post_processor": specialTokens.template,
            "decoder": words.decoder, "model": model,
        ])
    }

    /// tokenizer_config.json
    func configuration(contextLength: Int) -> JSONValue {
        let template: [(name: String, value: JSONValue)] = chatTemplate.map { [("chat_template", .string($0))] } ?? []
        return .object(
            JSONObject(
                members: [("tokenizer_class", "PreTrainedTokenizerFast")] + specialTokens.names
                    + [("model_max_length", .integer(contextLength)), ("clean_up_tokenization_spaces", false)] + template))
    }

    private static func words(_ metadata: GGUFMetadata) throws(CheckpointError) -> GGUFWords {
        let key = "tokenizer.ggml."
        switch try metadata.string(key + "model") {
        case "llama": return .sentencePiece(addsPrefix: try metadata.boolean(key + "add_space_prefix") ?? true)
        case "gpt2":
            // Files from before there was this key: only of GPT-2 itself is it known what they mean.
            let isGPT2 = try metadata.string("general.architecture") == "gpt2"
            let name = try metadata.string(key + "pre") ?? (isGPT2 ? "gpt-2" : "not said")
            guard let words = GGUFWords(byteLevel: name) else {
                throw .unsupportedGGUF(
                    metadata.path, kind: "gguf-pre-tokenizer",
                    reason: "how the tokenizer cuts words (tokenizer.ggml.pre) is \(CheckpointError.quoted(name))")
            }
            return words
        case let model?:
            throw .unsupportedGGUF(
                metadata.path, kind: "gguf-tokenizer-model",
                reason: "the tokenizer is of the kind \(CheckpointError.quoted(model)), neither gpt2 nor llama")
        case nil: throw metadata.wrongKind(key + "model", "a string")
        }
    }
}
