import Storage
import SystemPackage
import TestSupport
import Testing
import Tokenizers

/// The tokenizers of real models, which are not part of the project.
struct SharedTokenizerTests {
    /// Test vectors of llama.cpp, which its authors made with Hugging Face transformers.
    @Test(.enabled(if: Fixture.shared != nil, "Give EXCISE_SHARED, the folder of real models, to run this."), arguments: ["gpt2", "qwen2"])
    func agreesWithTestVectors(_ name: String) throws {
        let folder = try #require(Fixture.shared).appending("data").appending("tokenizers").appending(name)
        let tokenizer = try Tokenizer(file: InputFile(folder.appending("tokenizer.json")))
        let texts = try contents(of: folder.appending("inputs.txt")).split("\n__ggml_vocab_test__\n")
        let lines = try contents(of: folder.appending("expected_ids.txt")).split("\n")
        #expect(texts.count > 40)
        for (text, line) in zip(texts, lines) {
            let expected = line.utf8.split(separator: UInt8(ascii: " ")).compactMap { Int32(String(decoding: $0, as: UTF8.self)) }
            #expect(try tokenizer.encode(text, addingSpecialTokens: false) == expected, "\(text.debugDescription)")
            if name == "gpt2" { #expect(try tokenizer.decode(expected, skippingSpecialTokens: false).utf8.elementsEqual(text.utf8)) }
        }
    }

    /// Hard strings of all of Unicode, with the ids of Hugging Face tokenizers (Tests/Fixtures/make_tokenizer_fixtures.py).
    @Test(.enabled(if: Fixture.shared != nil, "Give EXCISE_SHARED, the folder of real models, to run this."))
    func agreesOnSamples() throws {
        let samples = try InputFile.json(Fixture.directory.appending("tokenizers").appending("samples.json"))
        let texts = (samples["texts"]?.array ?? []).compactMap(\.string)
        #expect(texts.count == 150)
        let shared = try #require(Fixture.shared)
        let folders: [(name: String, folder: FilePath?)] = [
            ("gpt2", shared.appending("data").appending("tokenizers").appending("gpt2")),
            ("qwen2", shared.appending("data").appending("tokenizers").appending("qwen2")),
            ("stories260K", shared.appending("models").appending("stories260K")), ("smollm2", Fixture.smolLM2),
        ]
        for (name, folder) in folders {
            guard let folder else { continue }
            var encoder = TextEncoder(try Tokenizer(FileTree(directory: folder)))
            let expected = (samples["ids"]?[name]?.array ?? []).map { ($0.array ?? []).compactMap { $0.integer.map(Int32.init) } }
            #expect(expected.count == texts.count)
            for (text, ids) in zip(texts, expected) {
                #expect(try encoder.encode(text, addingSpecialTokens: false) == ids, "\(name) \(text.debugDescription)")
            }
        }
    }

    @Test(.enabled(if: Fixture.shared != nil, "Give EXCISE_SHARED, the folder of real models, to run this."))
    func readsSmallModels() throws {
        let shared = try #require(Fixture.shared)
        let quickstart = try Tokenizer(file: InputFile(shared.appending("quickstart").appending("model").appending("tokenizer.json")))
        #expect(quickstart.vocabularySize == 1024)
        #expect(quickstart.prefixTokens.isEmpty)
        #expect(quickstart.id(of: "<|endoftext|>") == 0)
        let stories = try Tokenizer(file: InputFile(shared.appending("models").appending("stories260K").appending("tokenizer.json")))
        #expect(stories.vocabularySize == 512)
        #expect(stories.prefixTokens == [1])
        let text = "Once upon a time, there was a naïve 👩‍👧. "
        for tokenizer in [quickstart, stories] {
            let ids = try tokenizer.encode(text, addingSpecialTokens: true)
            #expect(try tokenizer.decode(ids, skippingSpecialTokens: true) == text)
        }
    }

    @Test(.enabled(if: Fixture.smolLM2 != nil, "Give EXCISE_SMOLLM2, the folder of SmolLM2-135M-Instruct, to run this."))
    func readsSmolLM2() throws {
        let tokenizer = try Tokenizer(file: InputFile(try #require(Fixture.smolLM2).appending("tokenizer.json")))
        #expect(tokenizer.vocabularySize == 49152)
        let ids = try tokenizer.encode("<|im_start|>In 2024  it's", addingSpecialTokens: true)
        #expect(ids.compactMap { tokenizer.token($0) } == ["<|im_start|>", "In", "Ġ", "2", "0", "2", "4", "Ġ", "Ġit", "'s"])
        #expect(try tokenizer.decode(ids, skippingSpecialTokens: true) == "In 2024  it's")
    }

    private func contents(of path: FilePath) throws -> String { String(decoding: try InputFile.contents(of: path), as: UTF8.self) }
}

extension String {
    /// The parts between the separators, by bytes: Swift's own search would not find one before a combining mark.
    fileprivate func split(_ separator: String) -> [String] {
        let (bytes, separator) = (Array(utf8), Array(separator.utf8))
        var parts: [String] = []
        var start = 0
        var position = 0
        while position < bytes.count {
            if bytes[position...].starts(with: separator) {
                parts.append(String(decoding: bytes[start..<position], as: UTF8.self))
                position += separator.count
                start = position
            } else {
                position += 1
            }
        }
        return parts + [String(decoding: bytes[start...], as: UTF8.self)]
    }
}
