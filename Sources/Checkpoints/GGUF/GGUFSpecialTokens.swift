internal import Storage
internal import SystemPackage

/// The special tokens that a GGUF file names, and those it puts around each text.
struct GGUFSpecialTokens {
    private struct Token {
        let role: String
        let id: Int
        let text: String
    }

    private let named: [Token]
    /// Put before and behind each text.
    private let begin: Token?
    private let end: Token?

    /// Throws `gguf-key`, and `gguf-tokenizer` for an id that no token has or an added token that is not named.
    init(_ metadata: GGUFMetadata, tokens: [String], words: GGUFWords) throws(CheckpointError) {
        var named: [Token] = []
        // A SentencePiece model that names none has them at these places.
        for (role, name, usual) in [
            ("bos", "bos", 1), ("eos", "eos", 2), ("unk", "unknown", 0), ("pad", "padding", nil),
        ] as [(String, String, Int?)] {
            let key = "tokenizer.ggml.\(name)_token_id"
            guard let id = try metadata.integer(key) ?? (words.areSentencePieces ? usual : nil) else { continue }
            guard tokens.indices.contains(id) else {
                throw .gguf(metadata.path, kind: "gguf-tokenizer", reason: "\(key) is \(id), which is no token's id")
            }
            named.append(Token(role: role, id: id, text: tokens[id]))
        }
        self.named = named
        func added(_ role: String, where isAdded: Bool) throws(CheckpointError) -> Token? {
            guard isAdded else { return nil }
            guard let token = named.first(where: { $0.role == role }) else {
                throw .gguf(metadata.path, kind: "gguf-tokenizer", reason: "\(role) is to be added to every text, but it is not named")
            }
            return token
        }
        begin = try added("bos", where: metadata.boolean("tokenizer.ggml.add_bos_token") ?? words.addsBegin)
        end = try added("eos", where: metadata.boolean("tokenizer.ggml.add_eos_token") ?? false)
    }

    /// What stands for a character without a token; null where none is named.
    var unknown: JSONValue { named.first { $0.role == "unk" }.map { .string($0.text) } ?? .null }

    /// `bos_token_id` and so on, as config.json has them.
    var identifiers: [(name: String, value: JSONValue)] {
        named.filter { $0.role != "unk" }.map { ($0.role + "_token_id", .integer($0.id)) }
    }

    /// `bos_token` and so on, as tokenizer_config.json has them.
    var names: [(name: String, value: JSONValue)] { named.map { ($0.role + "_token", .string($0.text)) } }

    /// What puts tokens around each text, `post_processor`; null where there are none to put.
    var template: JSONValue {
        guard begin != nil || end != nil else { return .null }
        func piece(_ kind: String, _ id: String, _ type: Int) -> JSONValue {
            .members([kind: .members(["id": .string(id), "type_id": .integer(type)])])
        }
        func text(_ name: String, _ type: Int) -> [JSONValue] {
            (begin.map { [piece("SpecialToken", $0.text, type)] } ?? []) + [piece("Sequence", name, type)]
                + (end.map { [piece("SpecialToken", $0.text, type)] } ?? [])
        }
        // The same token at both ends is defined once.
        let tokens = [begin, begin?.id == end?.id ? nil : end].compactMap { $0 }
        return .members([
            "type": "TemplateProcessing", "single": .array(text("A", 0)), "pair": .array(text("A", 0) + text("B", 1)),
            "special_tokens": .object(
                JSONObject(
                    members: tokens.map {
                        ($0.text, .members(["id": .string($0.text), "ids": [.integer($0.id)], "tokens": [.string($0.text)]]))
                    })),
        ])
    }
}
