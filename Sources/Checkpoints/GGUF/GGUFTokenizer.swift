internal import Storage
internal import SystemPackage

/// A GGUF file's tokenizer as tokenizer.json has it: byte-level byte-pair encoding (`gpt2`), or SentencePiece's (`llama`).
struct GGUFTokenizer {
    /// tokenizer.json
    let document: JSONValue
    /// The members of config.json that name special tokens: `bos_token_id` and so on, where the file has them.
    let identifiers: [(name: String, value: JSONValue)]
    private let specialTokens: [(name: String, value: JSONValue)]
    private let chatTemplate: String?

    /// Throws `gguf-key`, `gguf-tokenizer`, `gguf-tokenizer-model` or `gguf-pre-tokenizer`.
    init(_ metadata: GGUFMetadata, vocabularySize: Int) throws(CheckpointError) {
        let key = "tokenizer.ggml."
        guard let model = try metadata.string(key + "model") else { throw metadata.wrongKind(key + "model", "a string") }
        guard model == "gpt2" || model == "llama" else {
            throw .unsupportedGGUF(
                metadata.path, kind: "gguf-tokenizer-model",
                reason: "the tokenizer is of the kind \(CheckpointError.quoted(model)), neither gpt2 nor llama")
        }
        let isSentencePiece = model == "llama"
        let vocabulary = try GGUFVocabulary(metadata, limit: vocabularySize)
        func identifier(_ name: String, default fallback: Int? = nil) throws(CheckpointError) -> Int? {
            guard let identifier = try metadata.integer(key + name) ?? fallback else { return nil }
            guard vocabulary.tokens.indices.contains(identifier) else {
                throw .gguf(metadata.path, kind: "gguf-tokenizer", reason: "\(key)\(name) is \(identifier), which is no token's id")
            }
            return identifier
        }
        // A SentencePiece model that names none has them at these places.
        let begin = try identifier("bos_token_id", default: isSentencePiece ? 1 : nil)
        let end = try identifier("eos_token_id", default: isSentencePiece ? 2 : nil)
        let unknown = try identifier("unknown_token_id", default: isSentencePiece ? 0 : nil)
        let padding = try identifier("padding_token_id")

        let words: GGUFWords
        let encoding: [(name: String, value: JSONValue)]
        if isSentencePiece {
            words = .sentencePiece(addsPrefix: try metadata.boolean(key + "add_space_prefix") ?? true)
            let merges: [JSONValue]
            if let stored = try metadata.strings(key + "merges") {
                merges = stored.map(JSONValue.string)
            } else {
                merges = try vocabulary.mergesByScore()
            }
            encoding = [
                ("unk_token", unknown.map { .string(vocabulary.tokens[$0]) } ?? .null), ("fuse_unk", true), ("byte_fallback", true),
                ("ignore_merges", false), ("vocab", vocabulary.document), ("merges", .array(merges)),
            ]
        } else {
            // Files from before there was this key: only of GPT-2 itself is it known what they mean.
            let isGPT2 = try metadata.string("general.architecture") == "gpt2"
            let name = try metadata.string(key + "pre") ?? (isGPT2 ? "gpt-2" : "not said")
            guard let named = GGUFWords(byteLevel: name) else {
                throw .unsupportedGGUF(
                    metadata.path, kind: "gguf-pre-tokenizer",
                    reason: "how the tokenizer cuts words (tokenizer.ggml.pre) is \(CheckpointError.quoted(name))")
            }
            words = named
            guard let merges = try metadata.strings(key + "merges") else { throw metadata.wrongKind(key + "merges", "an array of strings") }
            encoding = [
                ("unk_token", nil), ("fuse_unk", false), ("byte_fallback", false), ("ignore_merges", .boolean(words.ignoresMerges)),
                ("vocab", vocabulary.document), ("merges", .array(merges.map(JSONValue.string))),
            ]
        }
        let addsBegin = try metadata.boolean(key + "add_bos_token") ?? words.addsBegin
        let addsEnd = try metadata.boolean(key + "add_eos_token") ?? false
        guard !addsBegin || begin != nil, !addsEnd || end != nil else {
            throw .gguf(metadata.path, kind: "gguf-tokenizer", reason: "a token is to be added to every text, but it is not named")
        }
        func token(_ identifier: Int) -> (Int, String) { (identifier, vocabulary.tokens[identifier]) }
        document = .members([
            "version": "1.0", "truncation": nil, "padding": nil, "added_tokens": .array(vocabulary.addedTokens),
            "normalizer": words.normalizer, "pre_tokenizer": words.preTokenizer,
            "post_processor": Self.template(begin: addsBegin ? begin.map(token) : nil, end: addsEnd ? end.map(token) : nil),
            "decoder": words.decoder,
            "model": .object(
                JSONObject(
                    members: [("type", "BPE"), ("dropout", nil), ("continuing_subword_prefix", nil), ("end_of_word_suffix", nil)] + encoding
                )),
        ])
        let named = [("bos", begin), ("eos", end), ("unk", unknown), ("pad", padding)]
        identifiers = named.filter { $0.0 != "unk" }.compactMap { name, id in id.map { (name + "_token_id", .integer($0)) } }
        specialTokens = named.compactMap { name, id in id.map { (name + "_token", .string(vocabulary.tokens[$0])) } }
        chatTemplate = try metadata.string("tokenizer.chat_template")
    }

    /// tokenizer_config.json
    func configuration(contextLength: Int) -> JSONValue {
        let template: [(name: String, value: JSONValue)] = chatTemplate.map { [("chat_template", .string($0))] } ?? []
        return .object(
            JSONObject(
                members: [("tokenizer_class", "PreTrainedTokenizerFast")] + specialTokens
                    + [("model_max_length", .integer(contextLength)), ("clean_up_tokenization_spaces", false)] + template))
    }

    /// What puts a token before or behind each text; null where there is none.
    private static func template(begin: (id: Int, token: String)?, end: (id: Int, token: String)?) -> JSONValue {
        guard begin != nil || end != nil else { return .null }
        func piece(_ token: String, _ type: Int) -> JSONValue {
            .members(["SpecialToken": .members(["id": .string(token), "type_id": .integer(type)])])
        }
        func text(_ name: String, _ type: Int) -> [JSONValue] {
            let sequence = JSONValue.members(["Sequence": .members(["id": .string(name), "type_id": .integer(type)])])
            return (begin.map { [piece($0.token, type)] } ?? []) + [sequence] + (end.map { [piece($0.token, type)] } ?? [])
        }
        var named: [(name: String, value: JSONValue)] = []
        for (id, token) in [begin, end].compactMap({ $0 }) where !named.contains(where: { $0.name.utf8.elementsEqual(token.utf8) }) {
            named.append((token, .members(["id": .string(token), "ids": [.integer(id)], "tokens": [.string(token)]])))
        }
        return .members([
            "type": "TemplateProcessing", "single": .array(text("A", 0)), "pair": .array(text("A", 0) + text("B", 1)),
            "special_tokens": .object(JSONObject(members: named)),
        ])
    }
}
