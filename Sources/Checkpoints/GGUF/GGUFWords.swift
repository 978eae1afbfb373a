internal import Storage

/// How a GGUF file's tokenizer cuts a text into words, in the terms of tokenizer.json: normalizer, pre-tokenizer and decoder.
enum GGUFWords {
    /// GPT-2's own words.
    case gpt2
    /// Each digit a word of its own, the rest as GPT-2's: SmolLM and StarCoder.
    case singleDigits
    /// Llama 3's words; a word that is a token is not merged.
    case llama3
    case qwen2
    /// Not cut at all: spaces are written as ▁.
    case sentencePiece(addsPrefix: Bool)

    /// By the name in `tokenizer.ggml.pre`; nil where that is not known.
    init?(byteLevel name: String) {
        switch name {
        case "default", "gpt-2": self = .gpt2
        case "smollm", "starcoder", "refact": self = .singleDigits
        case "llama-bpe", "llama3", "llama-v3": self = .llama3
        case "qwen2": self = .qwen2
        default: return nil
        }
    }

    /// Whether a text begins with the token that begins a sequence where the file does not say.
    var addsBegin: Bool {
        switch self {
        case .llama3, .sentencePiece: true
        default: false
        }
    }

    var areSentencePieces: Bool { if case .sentencePiece = self { true } else { false } }

    var ignoresMerges: Bool { if case .llama3 = self { true } else { false } }

    var normalizer: JSONValue {
        switch self {
        case .qwen2: .members(["type": "NFC"])
        case .sentencePiece(let addsPrefix):
            .members([
                "type": "Sequence",
                "normalizers": .array(
                    (addsPrefix ? [.members(["type": "Prepend", "prepend": "▁"])] : []) + [Self.replacing(" ", by: "▁")]),
            ])
        default: nil
        }
    }

    var preTokenizer: JSONValue {
        switch self {
        case .gpt2: Self.byteLevel(cuts: true)
        case .singleDigits: Self.sequence([.members(["type": "Digits", "individual_digits": true]), Self.byteLevel(cuts: true)])
        case .llama3: Self.sequence([Self.splitting(digits: #"\p{N}{1,3}"#), Self.byteLevel(cuts: false)])
        case .qwen2: Self.sequence([Self.splitting(digits: #"\p{N}"#), Self.byteLevel(cuts: false)])
        case .sentencePiece: nil
        }
    }

    var decoder: JSONValue {
        guard case .sentencePiece(let addsPrefix) = self else {
            return .members(["type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true])
        }
        let steps: [JSONValue] = [Self.replacing("▁", by: " "), .members(["type": "ByteFallback"]), .members(["type": "Fuse"])]
        let strip = JSONValue.members(["type": "Strip", "content": " ", "start": 1, "stop": 0])
        return .members(["type": "Sequence", "decoders": .array(steps + (addsPrefix ? [strip] : []))])
    }

    private static func byteLevel(cuts: Bool) -> JSONValue {
        .members(["type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": .boolean(cuts)])
    }

    private static func sequence(_ stages: [JSONValue]) -> JSONValue { .members(["type": "Sequence", "pretokenizers": .array(stages)]) }

    private static func replacing(_ text: String, by content: String) -> JSONValue {
        .members(["type": "Replace", "pattern": .members(["String": .string(text)]), "content": .string(content)])
    }

    /// The words of Llama 3 and Qwen 2, which differ in how many digits go together.
    private static func splitting(digits: String) -> JSONValue {
        let expression =
            #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"# + digits
            + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
        return .members([
            "type": "Split", "pattern": .members(["Regex": .string(expression)]), "behavior": "Isolated", "invert": false,
        ])
    }
}
