import Storage
import SystemPackage
import TestSupport
import Testing
import Tokenizers

/// Each thing that a tokenizer.json is refused for: the case, its exit code, and the item that its message names.
struct TokenizerErrorTests {
    struct Refusal: Sendable, CustomTestStringConvertible {
        let item: String
        let kind: String
        let fault: Fault
        let json: JSONValue

        init(_ item: String, _ kind: String, malformed json: JSONValue) {
            (self.item, self.kind, fault, self.json) = (item, kind, .malformedInput, json)
        }

        init(_ item: String, _ kind: String = "unsupported-tokenizer", unsupported json: JSONValue) {
            (self.item, self.kind, fault, self.json) = (item, kind, .unsupported, json)
        }

        var testDescription: String { "\(kind) \(item)" }
    }

    @Test(arguments: malformed + unknownKinds + expressions)
    func refuses(_ refusal: Refusal) throws {
        do {
            _ = try Tokenizer(json: refusal.json, name: "folder/tokenizer.json")
            Issue.record("it was accepted")
        } catch {
            #expect(error.kind == refusal.kind)
            #expect(error.fault == refusal.fault)
            #expect(error.description.hasPrefix("folder/tokenizer.json: "))
            #expect(error.description.contains(refusal.item), "\(error.description)")
        }
    }

    @Test func keepsTerminalsSafe() throws {
        do {
            _ = try Tokenizer(json: model(merges: [["\u{1B}[2J", "a"]]), name: "t")
            Issue.record("it was accepted")
        } catch { #expect(!error.description.contains("\u{1B}")) }
    }

    static let malformed: [Refusal] = [
        Refusal("the document", "tokenizer-wrong-type", malformed: [1, 2]),
        Refusal("model", "tokenizer-missing-item", malformed: .members([:])),
        Refusal("model.vocab", "tokenizer-missing-item", malformed: .members(["model": .members(["type": "BPE", "merges": []])])),
        Refusal(
            "model.merges", "tokenizer-missing-item", malformed: .members(["model": .members(["type": "BPE", "vocab": .members([:])])])),
        Refusal("model.vocab", "tokenizer-wrong-type", malformed: model(vocab: [1])),
        Refusal("model.vocab[\"a\"]", "tokenizer-wrong-type", malformed: model(vocab: .members(["a": "0"]))),
        Refusal("model.vocab[\"a\"]", "tokenizer-wrong-type", malformed: model(vocab: .members(["a": 0.5]))),
        Refusal("model.vocab[\"a\"]", "token-id-out-of-range", malformed: model(vocab: .members(["a": -1]))),
        Refusal("model.vocab[\"a\"]", "token-id-out-of-range", malformed: model(vocab: .members(["a": 16_777_216]))),
        Refusal("model.vocab[\"a\"]", "token-id-out-of-range", malformed: model(vocab: .members(["a": .integer(.max)]))),
        Refusal("model.vocab[\"b\"]", "duplicate-token-id", malformed: model(vocab: .members(["a": 0, "b": 0]))),
        Refusal("model.vocab[\"a\"]", "duplicate-token-id", malformed: model(vocab: .members(["a": 0, "a": 1]))),
        Refusal("model.merges", "tokenizer-wrong-type", malformed: model(merges: .members([:]))),
        Refusal("model.merges[1]", "malformed-merge", malformed: model(merges: ["a b", "ab"])),
        Refusal("model.merges[0]", "malformed-merge", malformed: model(merges: ["a b ab"])),
        Refusal("model.merges[0]", "malformed-merge", malformed: model(merges: [["a"]])),
        Refusal("model.merges[0]", "malformed-merge", malformed: model(merges: [["a", 1]])),
        Refusal("model.merges[0]", "malformed-merge", malformed: model(merges: [["", "a"]])),
        Refusal("\"c\"", "merge-out-of-vocabulary", malformed: model(merges: [["a", "c"]])),
        Refusal("\"ba\"", "merge-out-of-vocabulary", malformed: model(merges: [["b", "a"]])),
        Refusal(
            "model.merges[0]", "malformed-merge",
            malformed: model(["continuing_subword_prefix": "##"], merges: [["a", "b"]])),
        Refusal("model.vocab", "tokenizer-wrong-type", malformed: unigram(.members(["a": 0]))),
        Refusal("model.vocab[0]", "tokenizer-wrong-type", malformed: unigram([["a"]])),
        Refusal("model.vocab[1]", "tokenizer-wrong-type", malformed: unigram([["a", 0], ["b", "c"]])),
        Refusal("model.vocab[1]", "duplicate-token-id", malformed: unigram([["a", 0], ["a", 1]])),
        Refusal("model.unk_id", "token-id-out-of-range", malformed: unigram([["a", 0]], unknown: 1)),
        Refusal("model.unk_id", "token-id-out-of-range", malformed: unigram([["a", 0]], unknown: .integer(.max))),
        Refusal(
            "normalizer.precompiled_charsmap", "tokenizer-wrong-type",
            malformed: whole(["normalizer": .members(["type": "Precompiled", "precompiled_charsmap": "AAAA"])])),
        Refusal(
            "normalizer.precompiled_charsmap", "tokenizer-wrong-type",
            malformed: whole(["normalizer": .members(["type": "Precompiled", "precompiled_charsmap": "no base64"])])),
        Refusal(
            "pre_tokenizer.length", "tokenizer-wrong-type",
            malformed: whole(["pre_tokenizer": .members(["type": "FixedLength", "length": 0])])),
        Refusal(
            "post_processor.cls", "tokenizer-wrong-type",
            malformed: whole(["post_processor": .members(["type": "BertProcessing", "cls": ["a", -1], "sep": ["b", 1]])])),
        Refusal("model.fuse_unk", "tokenizer-wrong-type", malformed: model(["fuse_unk": 1])),
        Refusal("version", unsupported: whole(["version": "2.0"])),
        Refusal("added_tokens[0].id", "tokenizer-missing-item", malformed: whole(["added_tokens": [.members(["content": "x"])]])),
        Refusal("added_tokens[0]", "misplaced-added-token", malformed: whole(["added_tokens": [added("x", 4)]])),
        Refusal("added_tokens[0]", "misplaced-added-token", malformed: whole(["added_tokens": [added("a", 3)]])),
        Refusal("added_tokens[0]", "misplaced-added-token", malformed: whole(["added_tokens": [added("x", -1)]])),
        Refusal("added_tokens[1]", "duplicate-added-token", malformed: whole(["added_tokens": [added("x", 3), added("x", 3)]])),
        Refusal(
            "added_tokens[1]", "duplicate-added-token",
            malformed: whole([
                "normalizer": .members(["type": "Replace", "pattern": .members(["String": "y"]), "content": "x"]),
                "added_tokens": [added("x", 3, normalized: true), added("y", 4, normalized: true)],
            ])),
        Refusal("normalizer.type", "tokenizer-missing-item", malformed: whole(["normalizer": .members([:])])),
        Refusal(
            "pre_tokenizer.individual_digits", "tokenizer-missing-item", malformed: whole(["pre_tokenizer": .members(["type": "Digits"])])),
        Refusal(
            "pre_tokenizer.pretokenizers[0].pattern", "tokenizer-wrong-type",
            malformed: whole([
                "pre_tokenizer": .members([
                    "type": "Sequence", "pretokenizers": [split(.members(["Glob": "*"]))],
                ])
            ])),
        Refusal(
            "pre_tokenizer.replacement", "tokenizer-wrong-type",
            malformed: whole(["pre_tokenizer": .members(["type": "Metaspace", "replacement": "ab"])])),
        Refusal(
            "decoder.start", "tokenizer-wrong-type",
            malformed: whole(["decoder": .members(["type": "Strip", "content": " ", "start": -1, "stop": 0])])),
        Refusal(
            "post_processor.special_tokens.<s>", "tokenizer-missing-item",
            malformed: whole(["post_processor": template(["<s>"], tokens: .members([:]))])),
        Refusal(
            "post_processor.special_tokens.<s>.ids[0]", "token-id-out-of-range",
            malformed: whole([
                "post_processor": template(["<s>"], tokens: .members(["<s>": .members(["ids": [7]])]))
            ])),
    ]

    static let unknownKinds: [Refusal] =
        [
            Refusal("model is the model WordPiece", unsupported: model(["type": "WordPiece"])),
            Refusal("model is the model WordLevel", unsupported: model(["type": "WordLevel"])),
            Refusal("model.dropout", unsupported: model(["dropout": 0.1])),
            Refusal(
                "the prepend_scheme first behind another",
                unsupported: whole([
                    "pre_tokenizer": .members([
                        "type": "Sequence", "pretokenizers": [split(.members(["String": "-"])), metaspace("first")],
                    ])
                ])),
            Refusal(
                "the prepend_scheme first with a normalizer",
                unsupported: whole([
                    "normalizer": .members(["type": "NFC"]), "pre_tokenizer": metaspace("first"),
                    "added_tokens": [added("x", 3, normalized: true)],
                ])),
            Refusal("pre_tokenizer.prepend_scheme", unsupported: whole(["pre_tokenizer": metaspace("last")])),
            Refusal(
                "pre_tokenizer.behavior",
                unsupported: whole([
                    "pre_tokenizer": split(.members(["String": "-"]), behavior: "Kept")
                ])),
            Refusal("post_processor.single", unsupported: whole(["post_processor": template([], texts: 2)])),
            Refusal("post_processor.single", unsupported: whole(["post_processor": template([], texts: 0)])),
        ]
        + kinds("normalizer", ["New"])
        + kinds("pre_tokenizer", ["New"])
        + kinds("decoder", ["New"])
        + kinds("post_processor", ["New"])

    /// Constructs that Oniguruma and PCRE2 match differently, or that one of them does not know.
    static let expressions: [Refusal] =
        [
            (#"\w+"#, #"\w"#), (#"a\b"#, #"\b"#), (#"\h"#, #"\h"#), (#"\R"#, #"\R"#), (#"\K"#, #"\K"#), (#"(a)\1"#, #"\1"#),
            (#"\xFF"#, #"\x"#),
            (#"\p{Han}"#, #"\p{Han}"#), (#"\p{Mn}"#, #"\p{Mn}"#), (#"[\P{L}]"#, #"\P"#), (#"[a&&b]"#, "&&"),
            (#"[[:alpha:]]"#, "a class within a class"), (#"[]a]"#, "begins with ]"), (#"[\d-a]"#, "a - in the middle"),
            (#"[a-z-9]"#, "a - in the middle"), (#"(?i)a"#, "(?i)"), (#"(?m:.)"#, "(?m:"), (#"(?<n>a)"#, "(?<n"), (#"(?#a)"#, "(?#a"),
            (#"(?i:ss)"#, "ss under (?i)"), (#"(?i:é)"#, "U+E9 under (?i)"), (#"(?i:[^a])"#, "[^ under (?i)"),
            (#"a**"#, "a quantifier behind a quantifier"), (#"a{2}?"#, "{2}?"), (#"a{x}"#, "{x}"), (#"a{99999}"#, "{99999}"),
            (String(repeating: "(", count: 70), "nested deeper"), (#"(?<=a+)b"#, "a look-behind of varying length"),
        ].map { (expression: String, construct: String) in
            Refusal(construct, "unsupported-regular-expression", unsupported: expressionTokenizer(expression))
        }
        + [
            (#"*a"#, "a misplaced *"), (#"(?=a)*"#, "a misplaced *"), (#"(*FAIL)"#, "a misplaced *"), (#"(a"#, "an unmatched ("),
            (#"a)"#, "an unmatched )"), (#"\"#, "an unfinished construct"), (#"[a"#, "an unfinished construct"),
            (#"[z-a]"#, "a range from z down to a"), (#"\x{D800}"#, "the code point D800"), (#"\x{}"#, "the code point"),
            (#"(?:a{9999}){9999}"#, "too large"),
        ].map { (expression: String, reason: String) in
            Refusal(reason, "malformed-regular-expression", malformed: expressionTokenizer(expression))
        }

    private static func expressionTokenizer(_ expression: String) -> JSONValue {
        whole(["pre_tokenizer": split(.members(["Regex": .string(expression)]))])
    }

    private static func kinds(_ part: String, _ kinds: [String]) -> [Refusal] {
        kinds.map { kind in
            let json = JSONValue.object(JSONObject(members: (model().object?.members ?? []) + [(part, .members(["type": .string(kind)]))]))
            return Refusal("\(kind), which this version does not support", unsupported: json)
        }
    }
}

private func model(
    _ changes: KeyValuePairs<String, JSONValue> = [:], vocab: JSONValue = .members(["a": 0, "b": 1, "ab": 2]),
    merges: JSONValue = [["a", "b"]]
) -> JSONValue {
    var members: [(name: String, value: JSONValue)] = changes.map { ($0.key, $0.value) }
    members += [("type", "BPE"), ("vocab", vocab), ("merges", merges)]
    return .members(["model": .object(JSONObject(members: members))])
}

private func unigram(_ vocab: JSONValue, unknown: JSONValue = .null) -> JSONValue {
    .members(["model": .members(["type": "Unigram", "vocab": vocab, "unk_id": unknown])])
}

private func whole(_ parts: KeyValuePairs<String, JSONValue>) -> JSONValue {
    .object(JSONObject(members: (model().object?.members ?? []) + parts.map { ($0.key, $0.value) }))
}

private func added(_ content: String, _ id: Int, normalized: Bool = false) -> JSONValue {
    .members([
        "id": .integer(id), "content": .string(content), "normalized": .boolean(normalized), "single_word": false, "lstrip": false,
        "rstrip": false,
        "special": false,
    ])
}

private func split(_ pattern: JSONValue, behavior: String = "Isolated") -> JSONValue {
    .members(["type": "Split", "pattern": pattern, "behavior": .string(behavior), "invert": false])
}

private func metaspace(_ scheme: String) -> JSONValue {
    .members(["type": "Metaspace", "replacement": "▁", "prepend_scheme": .string(scheme), "split": true])
}

private func template(_ special: [String], texts: Int = 1, tokens: JSONValue = .members([:])) -> JSONValue {
    let pieces: [JSONValue] =
        special.map { .members(["SpecialToken": .members(["id": .string($0), "type_id": 0])]) }
        + Array(repeating: .members(["Sequence": .members(["id": "A", "type_id": 0])]), count: texts)
    return .members(["type": "TemplateProcessing", "single": .array(pieces), "pair": [], "special_tokens": tokens])
}
