import Checkpoints
import Storage
import SystemPackage
import TestSupport
import Tokenizers
import Transformer
import Verification

/// A tokenizer for the pico models that is read at a glance: the letter `a` is token 10, `b` is 11, and so on to `z`.
enum PicoTokenizer {
    /// - Parameters:
    ///   - prefix: what the tokenizer's template puts before a text.
    ///   - size: the number of ids that there are.
    static func make(prefix: [Int32] = [], size: Int = 36) throws -> Tokenizer {
        var vocabulary: [(name: String, value: JSONValue)] = (0..<10).map { ("<\($0)>", .integer($0)) }
        vocabulary += (0..<26).map { (String(UnicodeScalar(UInt8(97 + $0))), .integer(10 + $0)) }
        if size > 36 { vocabulary.append(("<last>", .integer(size - 1))) }
        var special: [(name: String, value: JSONValue)] = []
        for id in prefix {
            special.append(("<\(id)>", .members(["id": .string("<\(id)>"), "ids": [.integer(Int(id))], "tokens": [.string("<\(id)>")]])))
        }
        let pieces = special.map { JSONValue.members(["SpecialToken": .members(["id": .string($0.name), "type_id": 0])]) }
        let text = JSONValue.members(["Sequence": .members(["id": "A", "type_id": 0])])
        return try Tokenizer(
            json: .members([
                "version": "1.0",
                "post_processor": .members([
                    "type": "TemplateProcessing", "single": .array(pieces + [text]), "pair": [],
                    "special_tokens": .object(JSONObject(members: special)),
                ]),
                "model": .members(["type": "BPE", "vocab": .object(JSONObject(members: vocabulary)), "merges": []]),
            ]), name: "pico")
    }

    /// Of a pico Llama (vocabulary 61, beginning 1, end 2, context 48), with a shorter context where one is given.
    static func encoder(prefix: Prefix = .automatic, template: [Int32] = [], context: Int? = nil, fixture: String = "llama-tied-gqa") throws
        -> RecordEncoder
    {
        try RecordEncoder(Fixture.model(fixture), make(prefix: template), prefix: prefix, context: context)
    }
}

extension RecordEncoder {
    /// A single record's.
    func tokens(_ record: TextRecord) throws -> (ids: [Int32], firstScored: Int) {
        var text = textEncoder()
        return try tokens(record, by: &text)
    }
}

extension PerplexityProtocol {
    /// A single record's.
    func windows(_ record: TextRecord, _ encoder: RecordEncoder) throws -> [Window] {
        var text = encoder.textEncoder()
        return try windows(record, encoder, &text)
    }
}

/// A prediction that counts: what it was made from, and what it should have been.
struct Prediction: Hashable, CustomStringConvertible {
    var context: [Int32]
    var target: Int32

    var description: String { "\(context) -> \(target)" }

    /// Those of windows, in their order.
    static func all(of windows: [Window]) -> [Prediction] {
        windows.flatMap { window in
            window.targets.indices.filter { window.targets[$0] != Window.unscored }.map {
                Prediction(context: Array(window.inputs[...$0]), target: window.targets[$0])
            }
        }
    }
}

/// Distinct tokens, so that a prediction tells where it stands.
func tokens(_ count: Int) -> [Int32] { (0..<Int32(count)).map { $0 + 100 } }
