import Storage
import SystemPackage
import TestSupport
import Testing
import Tokenizers

/// GPT-2's files, made from a fixture's model: they mean what the tokenizer.json of the same parts means.
struct VocabularyFilesTests {
    private func tokenizer(_ files: [String: String]) throws -> Tokenizer {
        try withScratchDirectory { directory in
            for (name, text) in files { try write(Array(text.utf8), to: directory.appending(name)) }
            return try Tokenizer(FileTree(directory: directory))
        }
    }

    private func model() throws -> (vocabulary: String, merges: String, fixture: KindFixture) {
        let fixture = try KindFixture.named("expression llama3")
        let model = try #require(fixture.definition["model"])
        let merges = (model["merges"]?.array ?? []).map { ($0.array ?? []).compactMap(\.string).joined(separator: " ") }
        return (try #require(model["vocab"]).serialized(), "#version: 0.2\n" + merges.joined(separator: "\n") + "\n", fixture)
    }

    @Test func encodesAsByteLevelWords() throws {
        let (vocabulary, merges, fixture) = try model()
        let found = try tokenizer(["vocab.json": vocabulary, "merges.txt": merges])
        let words = JSONValue.members(["type": "ByteLevel", "add_prefix_space": false, "use_regex": true])
        let expected = try Tokenizer(
            json: .members(["model": try #require(fixture.definition["model"]), "pre_tokenizer": words, "decoder": words]), name: "expected"
        )
        for text in KindFixture.texts {
            let ids = try found.encode(text, addingSpecialTokens: false)
            #expect(try ids == expected.encode(text, addingSpecialTokens: false))
            #expect(try found.decode(ids, skippingSpecialTokens: true) == text)
        }
    }

    @Test func addsTokens() throws {
        let (vocabulary, merges, _) = try model()
        let found = try tokenizer([
            "vocab.json": vocabulary, "merges.txt": merges, "added_tokens.json": #"{"<end>": 381, "<x>": 380}"#,
            "special_tokens_map.json": #"{"eos_token": {"content": "<end>", "lstrip": true}, "bos_token": "<missing>"}"#,
        ])
        let ids = try found.encode("the <end><x>", addingSpecialTokens: false)
        #expect(ids.suffix(2) == [381, 380])
        #expect(try found.decode(ids, skippingSpecialTokens: true) == "the<x>")
        let declared = try tokenizer([
            "vocab.json": vocabulary, "merges.txt": merges,
            "tokenizer_config.json": #"{"added_tokens_decoder": {"380": {"content": "<x>", "special": true}}, "add_prefix_space": true}"#,
        ])
        #expect(try declared.encode("the<x>", addingSpecialTokens: false) == found.encode(" the<x>", addingSpecialTokens: false))
    }

    @Test func namesWhatIsMissing() throws {
        let error = try #require(throws: TokenizerError.self) { try tokenizer(["vocab.json": "{}"]) }
        #expect(error.fault == .missingInput && error.kind == "missing-tokenizer")
        for name in ["tokenizer.json", "tokenizer.model", "vocab.json", "merges.txt"] { #expect(error.description.contains(name)) }
    }

    @Test func refusesWhatIsMalformed() throws {
        for (vocabulary, merges, kind) in [
            (#"{"a": 0, "b": 0}"#, "", "duplicate-token-id"), (#"{"a": 4294967296}"#, "", "token-id-out-of-range"),
            ("[]", "", "tokenizer-wrong-type"), (#"{"a": 0}"#, "a b c\n", "malformed-merge"),
            (#"{"a": 0}"#, "a b\n", "merge-out-of-vocabulary"),
        ] {
            let error = try #require(throws: TokenizerError.self) { try tokenizer(["vocab.json": vocabulary, "merges.txt": merges]) }
            #expect(error.kind == kind)
        }
    }
}
