import Storage
import SystemPackage
import TestSupport
import Testing
import Tokenizers

/// Every kind and flag, against what Hugging Face tokenizers gave (Tests/Fixtures/make_tokenizer_fixtures.py).
struct TokenizerTests {
    @Test(arguments: KindFixture.all)
    func encodesAsHuggingFaceDoes(_ fixture: KindFixture) throws {
        let tokenizer = try fixture.tokenizer()
        var encoder = TextEncoder(tokenizer)
        for (index, text) in KindFixture.texts.enumerated() {
            #expect(try tokenizer.encode(text, addingSpecialTokens: false) == fixture.ids[index], "\(text.debugDescription)")
            #expect(try encoder.encode(text, addingSpecialTokens: true) == fixture.idsWithSpecialTokens[index], "\(text.debugDescription)")
        }
    }

    @Test(arguments: KindFixture.all)
    func decodesAsHuggingFaceDoes(_ fixture: KindFixture) throws {
        let tokenizer = try fixture.tokenizer()
        for (ids, text, unspecial) in fixture.decoded {
            // Swift's == on strings would let another normalisation pass.
            #expect(Array(try tokenizer.decode(ids, skippingSpecialTokens: false).utf8) == Array(text.utf8))
            #expect(Array(try tokenizer.decode(ids, skippingSpecialTokens: true).utf8) == Array(unspecial.utf8))
        }
    }

    @Test func tellsTokensApartByTheirBytes() throws {
        let tokenizer = try small(vocabulary: [("\u{E9}", 0), ("e\u{301}", 1), ("e", 3)])
        #expect(tokenizer.id(of: "\u{E9}") == 0)
        #expect(tokenizer.id(of: "e\u{301}") == 1)
        #expect(tokenizer.id(of: "\u{301}") == nil)
        #expect(Array(try #require(tokenizer.token(1)).utf8) == [0x65, 0xCC, 0x81])
        #expect(tokenizer.token(2) == nil)
        #expect(tokenizer.token(-1) == nil)
        #expect(tokenizer.vocabularySize == 4)
        #expect(tokenizer.prefixTokens.isEmpty)
    }

    @Test func countsAddedTokensAndNamesThePrefix() throws {
        let tokenizer = try KindFixture.named("old llama").tokenizer()
        #expect(tokenizer.prefixTokens == [1])
        #expect(tokenizer.id(of: "</s>") == 2)
        let added = try KindFixture.named("added tokens, no normalizer").tokenizer()
        #expect(added.vocabularySize == 386)
        #expect(added.token(380) == "[A]")
    }

    @Test func refusesToDecodeAnIdOutsideTheVocabulary() throws {
        let tokenizer = try small(vocabulary: [("a", 0), ("b", 2)])
        for id: Int32 in [1, 3, -1, .max, .min] {
            do {
                _ = try tokenizer.decode([0, id], skippingSpecialTokens: false)
                Issue.record("\(id) was decoded")
            } catch {
                guard case .noSuchToken(_, id) = error else { throw error }
                #expect(error.description.contains("\(id)"))
            }
        }
    }

    @Test func refusesTextThatNeedsAnUnknownTokenWhichIsMissing() throws {
        let tokenizer = try small(vocabulary: [("a", 0)], unknown: "<unk>")
        #expect(try tokenizer.encode("aa", addingSpecialTokens: false) == [0, 0])
        #expect { try tokenizer.encode("ab", addingSpecialTokens: false) } throws: {
            guard case .unknownTokenOutOfVocabulary(_, "<unk>") = $0 as? TokenizerError else { return false }
            return true
        }
    }

    /// A word of many symbols that all merge: quadratic work would take minutes.
    @Test(.timeLimit(.minutes(1))) func mergesLongWords() throws {
        let tokenizer = try small(
            vocabulary: [("a", 0), ("aa", 1), ("aaaa", 2)], merges: [["a", "a"], ["aa", "aa"]])
        let ids = try tokenizer.encode(String(repeating: "a", count: 400_003), addingSpecialTokens: false)
        #expect(ids.count == 100_002)
        #expect(ids.suffix(3) == [2, 1, 0])
    }

    /// Runs of white space make the common expressions look ahead over all of it.
    @Test(.timeLimit(.minutes(1))) func cutsLongRunsOfSpace() throws {
        let tokenizer = try KindFixture.named("expression llama3").tokenizer()
        let text = String(repeating: " ", count: 1_000_000) + "the"
        let ids = try tokenizer.encode(text, addingSpecialTokens: false)
        #expect(try tokenizer.token(#require(ids.last))?.hasSuffix("e") == true)
    }

    /// Each step of a tokenizer from a stranger may multiply the text.
    @Test func boundsTheGrowthOfAText() throws {
        let replace = JSONValue.members([
            "type": "Replace", "pattern": .members(["String": "a"]), "content": .string(String(repeating: "a", count: 1000)),
        ])
        let growing = JSONValue.members(["type": "Sequence", "normalizers": .array(Array(repeating: replace, count: 6))])
        let tokenizer = try small(vocabulary: [("a", 0)], parts: [("normalizer", growing), ("decoder", replace)])
        #expect { try tokenizer.encode("a", addingSpecialTokens: false) } throws: {
            ($0 as? TokenizerError)?.kind == "normalized-text-too-long"
        }
        #expect { try tokenizer.decode(Array(repeating: 0, count: 9999), skippingSpecialTokens: false) } throws: {
            ($0 as? TokenizerError)?.kind == "normalized-text-too-long"
        }
    }

    /// JSON deeper than 64 is refused before any part of it is read.
    @Test func boundsTheDepthOfSequences() throws {
        let depth = 200
        let open = #"{"type":"Sequence","normalizers":["#
        let text =
            #"{"model":{"vocab":{"a":0},"merges":[]},"normalizer":"# + String(repeating: open, count: depth) + #"{"type":"NFC"}"#
            + String(repeating: "]}", count: depth) + "}"
        try withScratchDirectory { directory in
            let path = directory.appending("tokenizer.json")
            try write(Array(text.utf8), to: path)
            let error = try #require(throws: TokenizerError.self) { try Tokenizer(file: InputFile(path)) }
            #expect(error.kind == "json-syntax")
        }
    }

    @Test func namesWhatAnUnknownCharacterNeeds() throws {
        let model = JSONValue.members(["type": "Unigram", "vocab": [["a", -1]]])
        let tokenizer = try Tokenizer(json: .members(["model": model]), name: "t")
        #expect(try tokenizer.encode("aa", addingSpecialTokens: false) == [0, 0])
        let error = try #require(throws: TokenizerError.self) { try tokenizer.encode("ab", addingSpecialTokens: false) }
        #expect(error.kind == "tokenizer-missing-item")
    }

    @Test func boundsTheWorkOfAnExpression() throws {
        let tokenizer = try small(
            vocabulary: [("a", 0)],
            preTokenizer: .members([
                "type": "Split", "pattern": .members(["Regex": "(?:a+)+\\d"]), "behavior": "Isolated", "invert": false,
            ]))
        #expect { try tokenizer.encode(String(repeating: "a", count: 5000), addingSpecialTokens: false) } throws: {
            guard case .matchFailed = $0 as? TokenizerError else { return false }
            return true
        }
    }
}

/// A tokenizer of few tokens, and nothing else but what is given.
func small(
    vocabulary: [(String, Int)], merges: [JSONValue] = [], unknown: String? = nil, preTokenizer: JSONValue = .null,
    parts: [(name: String, value: JSONValue)] = []
) throws -> Tokenizer {
    let tokens = JSONObject(members: vocabulary.map { ($0.0, .integer($0.1)) })
    let model = JSONValue.members([
        "type": "BPE", "vocab": .object(tokens), "merges": .array(merges), "unk_token": unknown.map { .string($0) } ?? .null,
    ])
    return try Tokenizer(
        json: .object(JSONObject(members: [("model", model), ("pre_tokenizer", preTokenizer)] + parts)), name: "small.json")
}
