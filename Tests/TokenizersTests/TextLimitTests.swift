import Storage
import Testing
import Tokenizers

/// Tokenizers whose steps, few and each harmless, would together fill the memory or the stack.
struct TextLimitTests {
    private static let doubling: JSONValue = .members([
        "type": "Replace", "pattern": .members(["String": "a"]), "content": "aa",
    ])
    private static let byteLevel: JSONValue = .members([
        "type": "ByteLevel", "add_prefix_space": false, "use_regex": false,
    ])

    private func tokenizer(_ part: String, _ kind: String, _ steps: [JSONValue]) throws(TokenizerError) -> Tokenizer {
        let model: JSONValue = .members(["type": "BPE", "vocab": .members(["a": 0, "é": 1, "b": 2]), "merges": []])
        let sequence: JSONValue = .members(["type": "Sequence", kind: .array(steps)])
        return try Tokenizer(json: .object(JSONObject(members: [("model", model), (part, sequence)])), name: "t")
    }

    private func kind(_ body: () throws(TokenizerError) -> Void) -> String? {
        do { try body() } catch { return error.kind }
        return nil
    }

    @Test(arguments: [
        ("normalizer", "normalizers", Array(repeating: doubling, count: 40)),
        ("pre_tokenizer", "pretokenizers", Array(repeating: byteLevel, count: 40)),
        ("normalizer", "normalizers", [.members(["type": "Prepend", "prepend": .string(String(repeating: "b", count: 10_000))])]),
    ])
    func encodingStaysBounded(_ part: String, _ name: String, _ steps: [JSONValue]) throws {
        let tokenizer = try tokenizer(part, name, steps)
        #expect(
            kind { () throws(TokenizerError) in _ = try tokenizer.encode("aé", addingSpecialTokens: false) } == "normalized-text-too-long")
    }

    @Test func decodingStaysBounded() throws {
        let tokenizer = try tokenizer("decoder", "decoders", Array(repeating: Self.doubling, count: 40))
        #expect(
            kind { () throws(TokenizerError) in _ = try tokenizer.decode([0], skippingSpecialTokens: false) } == "normalized-text-too-long")
    }

    /// Six doublings are within the limit, on a text of any length.
    @Test func rewritingWithinBoundsIsDone() throws {
        let tokenizer = try tokenizer("normalizer", "normalizers", Array(repeating: Self.doubling, count: 6))
        #expect(try tokenizer.encode("a", addingSpecialTokens: false).count == 64)
        #expect(try tokenizer.encode(String(repeating: "a", count: 1000), addingSpecialTokens: false).count == 64_000)
    }

    /// A sequence in a sequence is its steps; all of them together are counted.
    @Test(arguments: [("normalizer", "normalizers"), ("pre_tokenizer", "pretokenizers"), ("decoder", "decoders")])
    func sequencesHaveAnEnd(_ part: String, _ name: String) throws {
        let step: JSONValue =
            part == "pre_tokenizer"
            ? Self.byteLevel
            : .members([
                "type": "Replace", "pattern": .members(["String": "b"]), "content": "b",
            ])
        func nested(_ counts: [Int]) throws(TokenizerError) {
            _ = try tokenizer(part, name, counts.map { .members(["type": "Sequence", name: .array(Array(repeating: step, count: $0))]) })
        }
        #expect(kind { () throws(TokenizerError) in try nested([32, 0, 32]) } == nil)
        #expect(kind { () throws(TokenizerError) in try nested([32, 0, 33]) } == "unsupported-tokenizer")
    }

    /// Each \p{L} becomes a thousand characters for PCRE2.
    @Test func expressionsHaveAnEnd() {
        func refusal(_ count: Int) -> String? {
            kind { () throws(TokenizerError) in
                let pattern: JSONValue = .members(["Regex": .string(String(repeating: "\\p{L}", count: count))])
                _ = try tokenizer(
                    "pre_tokenizer", "pretokenizers",
                    [.members(["type": "Split", "pattern": pattern, "behavior": "Isolated", "invert": false])])
            }
        }
        #expect(refusal(30) == nil)
        #expect(refusal(4_000) == "unsupported-regular-expression")
    }
}
