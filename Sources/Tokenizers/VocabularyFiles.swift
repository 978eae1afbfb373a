internal import Storage
internal import SystemPackage

/// A `vocab.json` with its `merges.txt`, and what lies beside them, as the `tokenizer.json` that means the same.
///
/// As transformers reads them for GPT-2: byte-level words, and added tokens, of which `added_tokens_decoder` in
/// `tokenizer_config.json` says most; else `added_tokens.json` and `special_tokens_map.json` name them.
struct VocabularyFiles {
    let definition: JSONValue

    /// The names under which special tokens are given.
    private static let roles = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"]

    init(_ files: FileTree) throws(StorageError) {
        func json(_ name: String) throws(StorageError) -> JSONValue { files.contains(name) ? try files.file(name).json() : .null }
        let vocabulary = try files.file("vocab.json").json()
        let settings = try json("tokenizer_config.json")
        let words = JSONValue.members([
            "type": "ByteLevel", "add_prefix_space": .boolean(settings["add_prefix_space"]?.boolean ?? false), "trim_offsets": true,
            "use_regex": true,
        ])
        var added = Self.declared(settings["added_tokens_decoder"])
        if added.isEmpty { added = Self.named(try json("added_tokens.json"), try json("special_tokens_map.json"), settings, vocabulary) }
        let model = JSONValue.members([
            "type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": "", "end_of_word_suffix": "", "fuse_unk": false,
            "vocab": vocabulary, "merges": .array(try Self.merges(files.file("merges.txt"))),
        ])
        definition = .members([
            "version": "1.0", "added_tokens": .array(added.sorted { $0.id < $1.id }.map(\.document)), "normalizer": nil,
            "pre_tokenizer": words, "post_processor": nil, "decoder": words, "model": model,
        ])
    }

    private struct AddedToken {
        let id: Int
        let content: String
        var flags: [(name: String, value: JSONValue)]

        var document: JSONValue {
            .object(JSONObject(members: [("id", .integer(id)), ("content", .string(content))] + flags))
        }

        init(id: Int, _ token: JSONValue, isSpecial: Bool) {
            (self.id, content) = (id, token.string ?? token["content"]?.string ?? "")
            flags = ["single_word", "lstrip", "rstrip", "normalized"].map { name in
                (name, .boolean(token[name]?.boolean ?? (name == "normalized" && !isSpecial)))
            }
            flags.append(("special", .boolean(token["special"]?.boolean ?? isSpecial)))
        }
    }

    private static func declared(_ tokens: JSONValue?) -> [AddedToken] {
        (tokens?.object?.members ?? []).compactMap { member in
            Int(member.name).map { AddedToken(id: $0, member.value, isSpecial: false) }
        }
    }

    private static func named(_ added: JSONValue, _ special: JSONValue, _ settings: JSONValue, _ vocabulary: JSONValue) -> [AddedToken] {
        var identifiers: [[UInt8]: Int] = [:]
        for member in (vocabulary.object?.members ?? []) + (added.object?.members ?? []) {
            if let id = member.value.integer { identifiers[Array(member.name.utf8)] = id }
        }
        var tokens: [Int: AddedToken] = [:]
        for member in added.object?.members ?? [] {
            if let id = member.value.integer { tokens[id] = AddedToken(id: id, .string(member.name), isSpecial: false) }
        }
        var roles = Self.roles.compactMap { special[$0] ?? settings[$0] } + (special["additional_special_tokens"]?.array ?? [])
        if roles.isEmpty { roles = ["<|endoftext|>"] }
        for token in roles {
            guard let content = token.string ?? token["content"]?.string, let id = identifiers[Array(content.utf8)] else { continue }
            tokens[id] = AddedToken(id: id, token, isSpecial: true)
        }
        return Array(tokens.values)
    }

    private static func merges(_ file: InputFile) throws(StorageError) -> [JSONValue] {
        let text = try file.contents(limit: 1 << 28)
        return text.split(separator: UInt8(ascii: "\n")).compactMap { line in
            let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            return line.isEmpty ? nil : .string(String(decoding: line, as: UTF8.self))
        }
    }
}
