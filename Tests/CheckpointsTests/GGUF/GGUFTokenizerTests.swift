import Checkpoints
import Storage
import SystemPackage
import TestSupport
import Testing
import Tokenizers

@Suite struct GGUFTokenizerTests {
    private static let folder = Fixture.directory.appending("gguf")

    /// The ids of the tokenizer that the file was made from.
    @Test(arguments: ["gpt-2", "smollm", "llama-bpe", "qwen2", "sentencepiece", "sentencepiece-no-prefix"])
    func encodesAsTheOriginal(_ name: String) throws {
        let document = try InputFile.json(Self.folder.appending("tokenizers.json"))
        let texts = try #require(document[name.hasPrefix("sentencepiece") ? "sentencepiece_texts" : "texts"]?.array).compactMap(\.string)
        let expected = try #require(document["tokenizers"]?[name])
        let model = try GGUFBytes(fixture: "tokenizer-\(name)").with { try GGUFModel($0) }
        let tokenizer = try Tokenizer(json: model.tokenizer, name: name)
        #expect(tokenizer.prefixTokens.map(Int.init) == expected["prefix"]?.array?.compactMap(\.integer))
        let ids = try #require(expected["ids"]?.array)
        #expect(texts.count == ids.count && texts.count > 9)
        for (text, ids) in zip(texts, ids) {
            let encoded = try tokenizer.encode(text, addingSpecialTokens: false)
            #expect(encoded.map(Int.init) == ids.array?.compactMap(\.integer), "\(text.debugDescription)")
            // NFC does not come back as it was.
            if name != "qwen2" {
                #expect(
                    try tokenizer.decode(encoded, skippingSpecialTokens: false).utf8.elementsEqual(text.utf8), "\(text.debugDescription)")
            }
        }
    }

    private func tokenizer(_ change: (inout GGUFBytes) -> Void) throws -> JSONValue {
        var file = GGUFBytes.llama
        change(&file)
        return try file.with { try GGUFModel($0).tokenizer }
    }

    private func kind(fault: Fault = .malformedInput, _ change: (inout GGUFBytes) -> Void) throws -> String {
        var file = GGUFBytes.llama
        change(&file)
        let error = try file.error { _ = try GGUFModel($0) }
        #expect(error.fault == fault)
        return error.kind
    }

    @Test func addsTokensAroundATextWhereTheFileSaysSo() throws {
        func around(_ change: (inout GGUFBytes) -> Void) throws -> String? {
            try tokenizer { file in
                file.set("tokenizer.ggml.bos_token_id", GGUFBytes.u32(0))
                file.set("tokenizer.ggml.eos_token_id", GGUFBytes.u32(1))
                change(&file)
            }["post_processor"]?["single"]?.array?.compactMap { ($0["SpecialToken"] ?? $0["Sequence"])?["id"]?.string }.joined(
                separator: " ")
        }
        #expect(try around { _ in } == nil)
        #expect(try around { $0.set("tokenizer.ggml.add_bos_token", GGUFBytes.boolean(1)) } == "a A")
        #expect(try around { $0.set("tokenizer.ggml.add_eos_token", GGUFBytes.boolean(1)) } == "A b")
        #expect(try around { $0.set("tokenizer.ggml.pre", GGUFBytes.string("llama-bpe")) } == "a A")
        #expect(
            try around {
                $0.set("tokenizer.ggml.pre", GGUFBytes.string("llama-bpe"))
                $0.set("tokenizer.ggml.add_bos_token", GGUFBytes.boolean(0))
            } == nil)
    }

    @Test func addsSpecialAndUserDefinedTokens() throws {
        let added = try tokenizer { $0.set("tokenizer.ggml.token_type", GGUFBytes.i32s([3, 4])) }["added_tokens"]?.array ?? []
        #expect(added.map { $0["content"]?.string } == ["a", "b"])
        #expect(added.map { $0["special"]?.boolean } == [true, false])
        #expect(added.map { $0["id"]?.integer } == [0, 1])
    }

    @Test(arguments: ["bert", "t5", "no_vocab"])
    func refusesOtherKinds(_ name: String) throws {
        #expect(try kind(fault: .unsupported) { $0.set("tokenizer.ggml.model", GGUFBytes.string(name)) } == "gguf-tokenizer-model")
    }

    @Test(arguments: ["tekken", "", "gpt-4o"])
    func refusesOtherWords(_ name: String) throws {
        #expect(try kind(fault: .unsupported) { $0.set("tokenizer.ggml.pre", GGUFBytes.string(name)) } == "gguf-pre-tokenizer")
    }

    @Test func refusesWordsThatAreNotSaid() throws {
        #expect(try kind(fault: .unsupported) { $0.remove("tokenizer.ggml.pre") } == "gguf-pre-tokenizer")
    }

    @Test func refusesTokensThatDoNotFit() throws {
        let key = "tokenizer.ggml."
        #expect(try kind { $0.set(key + "tokens", GGUFBytes.strings(["a", "b", "c"])) } == "gguf-tokenizer")
        #expect(try kind { $0.set(key + "tokens", GGUFBytes.strings(["a", "a"])) } == "gguf-tokenizer")
        #expect(try kind { $0.set(key + "token_type", GGUFBytes.i32s([1])) } == "gguf-tokenizer")
        #expect(try kind { $0.set(key + "scores", GGUFBytes.f32s([1])) } == "gguf-tokenizer")
        #expect(try kind { $0.set(key + "scores", GGUFBytes.f32s([1, .nan])) } == "gguf-tokenizer")
        #expect(try kind { $0.set(key + "bos_token_id", GGUFBytes.u32(2)) } == "gguf-tokenizer")
        #expect(try kind { $0.set(key + "eos_token_id", GGUFBytes.u32(.max)) } == "gguf-tokenizer")
        #expect(try kind { $0.set(key + "add_bos_token", GGUFBytes.boolean(1)) } == "gguf-tokenizer")
    }

    @Test func refusesSentencePiecesThatDoNotFit() throws {
        let key = "tokenizer.ggml."
        func sentencePiece(_ change: (inout GGUFBytes) -> Void) throws -> String {
            try kind { file in
                file.set(key + "model", GGUFBytes.string("llama"))
                file.remove(key + "merges")
                for name in ["bos", "eos", "unknown"] { file.set(key + name + "_token_id", GGUFBytes.u32(0)) }
                change(&file)
            }
        }
        #expect(try sentencePiece { _ in } == "gguf-tokenizer")
        #expect(
            try sentencePiece {
                $0.set(key + "scores", GGUFBytes.f32s([1, 2]))
                $0.set(key + "tokens", GGUFBytes.strings(["a", String(repeating: "b", count: 257)]))
            } == "gguf-tokenizer")
        #expect(
            try sentencePiece {
                $0.set(key + "scores", GGUFBytes.f32s([1, 2]))
                $0.remove(key + "eos_token_id")
            } == "gguf-tokenizer")
    }
}
