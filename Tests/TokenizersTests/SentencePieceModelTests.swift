import Storage
import SystemPackage
import TestSupport
import Testing
import Tokenizers

/// Models of SentencePiece, against what the library gave (Tests/Fixtures/make_tokenizer_fixtures.py).
struct SentencePieceModelTests {
    struct Model: Sendable, CustomTestStringConvertible {
        let name: String
        let bytes: [UInt8]
        let ids: [[Int32]]
        let decoded: [(ids: [Int32], text: String)]

        var testDescription: String { name }

        func tokenizer(settings: String? = nil) throws -> Tokenizer { try Self.tokenizer(bytes, settings: settings) }

        static func tokenizer(_ bytes: [UInt8], settings: String? = nil) throws -> Tokenizer {
            try withScratchDirectory { directory in
                try write(bytes, to: directory.appending("tokenizer.model"))
                if let settings { try write(Array(settings.utf8), to: directory.appending("tokenizer_config.json")) }
                return try Tokenizer(FileTree(directory: directory))
            }
        }
    }

    private static let document: JSONValue =
        (try? InputFile.json(Fixture.directory.appending("tokenizers").appending("sentencepiece.json"))) ?? .null

    static let texts: [String] = (document["texts"]?.array ?? []).compactMap(\.string)

    static let models: [Model] = (document["models"]?.array ?? []).map { entry in
        Model(
            name: entry["name"]?.string ?? "", bytes: base64(entry["model"]?.string ?? ""), ids: (entry["ids"]?.array ?? []).map(list),
            decoded: (entry["decoded"]?.array ?? []).map { (list($0["ids"] ?? .null), $0["text"]?.string ?? "") })
    }

    private static func list(_ value: JSONValue) -> [Int32] { (value.array ?? []).compactMap { $0.integer.map(Int32.init) } }

    /// Written anew here: the tests' own reading is not the code's.
    private static func base64(_ text: String) -> [UInt8] {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        let bits = text.utf8.compactMap { alphabet.firstIndex(of: $0) }.flatMap { value in (0..<6).map { value >> (5 - $0) & 1 } }
        return stride(from: 0, to: bits.count - 7, by: 8).map { start in UInt8(bits[start..<start + 8].reduce(0) { $0 << 1 | $1 }) }
    }

    @Test func hasModels() { #expect(Self.models.count == 6 && Self.texts.count > 30) }

    @Test(arguments: models)
    func encodesAsSentencePieceDoes(_ model: Model) throws {
        var encoder = TextEncoder(try model.tokenizer())
        for (text, expected) in zip(Self.texts, model.ids) {
            #expect(try encoder.encode(text, addingSpecialTokens: true) == expected, "\(text.debugDescription)")
        }
    }

    @Test(arguments: models)
    func decodesAsSentencePieceDoes(_ model: Model) throws {
        let tokenizer = try model.tokenizer()
        for (ids, text) in model.decoded {
            #expect(Array(try tokenizer.decode(ids, skippingSpecialTokens: false).utf8) == Array(text.utf8), "\(ids)")
        }
    }

    @Test func putsTheBeginningWhereItsSettingsSaySo() throws {
        let model = try #require(Self.models.first)
        #expect(try model.tokenizer().prefixTokens.isEmpty)
        let tokenizer = try model.tokenizer(settings: #"{"add_bos_token": true, "add_eos_token": true}"#)
        #expect(tokenizer.prefixTokens == [1])
        let ids = try tokenizer.encode("the", addingSpecialTokens: true)
        #expect(ids.first == 1 && ids.last == 2)
        #expect(try tokenizer.decode(ids, skippingSpecialTokens: true) == "the")
    }

    /// A field of a message: its number, and its bytes or its value.
    private static func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        precondition(bytes.count < 16384)
        return [number << 3 | 2, UInt8(bytes.count & 0x7F) | 0x80, UInt8(bytes.count >> 7)] + bytes
    }

    private static func piece(_ text: String, score: Float = 0, kind: UInt8 = 1) -> [UInt8] {
        piece(Array(text.utf8), score: score, kind: kind)
    }

    private static func piece(_ text: [UInt8], score: Float = 0, kind: UInt8 = 1) -> [UInt8] {
        let pattern = score.bitPattern
        let bytes = (0..<4).map { UInt8(truncatingIfNeeded: pattern >> (8 * UInt32($0))) }
        return field(1, field(1, text) + [2 << 3 | 5] + bytes + [3 << 3, kind])
    }

    private static let unknown = piece("<unk>", kind: 2)

    static let refused: [(reason: String, kind: String, bytes: [UInt8])] = [
        ("no unknown piece", "malformed-sentencepiece-model", []),
        ("no unknown piece", "malformed-sentencepiece-model", piece("a")),
        ("bytes from", "malformed-sentencepiece-model", [0xFF]),
        ("bytes from", "malformed-sentencepiece-model", [0x0A, 0x05, 0x01]),
        ("bytes from", "malformed-sentencepiece-model", [0x0A] + Array(repeating: 0xFF, count: 10)),
        ("bytes from", "malformed-sentencepiece-model", [0x0B]),
        ("bytes from", "malformed-sentencepiece-model", field(1, [1 << 3, 5])),
        ("second unknown piece", "malformed-sentencepiece-model", unknown + piece("<unk2>", kind: 2)),
        ("is empty", "malformed-sentencepiece-model", unknown + piece("")),
        ("longer than", "malformed-sentencepiece-model", unknown + piece(String(repeating: "a", count: 8000))),
        ("not UTF-8", "malformed-sentencepiece-model", unknown + piece([0xC3])),
        ("no finite number", "malformed-sentencepiece-model", unknown + piece("a", score: .nan)),
        ("piece 1", "duplicate-token-id", unknown + piece("<unk>")),
        ("stands for a byte", "malformed-sentencepiece-model", unknown + piece("<0x00>", kind: 6)),
        ("not all there", "malformed-sentencepiece-model", unknown + piece("<0x00>", kind: 6) + field(2, [0x98, 0x02, 1])),
        ("precompiled_charsmap", "malformed-sentencepiece-model", unknown + field(3, field(2, [0, 4, 0, 0, 1]))),
        ("WORD", "unsupported-tokenizer", unknown + field(2, [3 << 3, 3])),
        ("an unused piece", "unsupported-tokenizer", unknown + piece("a", kind: 5) + field(2, [3 << 3, 2])),
    ]

    @Test(arguments: refused)
    func refuses(_ refusal: (reason: String, kind: String, bytes: [UInt8])) throws {
        let error = try #require(throws: TokenizerError.self) { try Model.tokenizer(refusal.bytes) }
        #expect(error.kind == refusal.kind)
        #expect(error.description.contains(refusal.reason), "\(error.description)")
    }

    /// Every unit of the trie is checked when it is read: no text can then lead out of it.
    @Test func refusesMapsThatLeadAstray() throws {
        let model = try #require(Self.models.first { $0.name == "unigram" })
        var accepted = 0
        for place in stride(from: 0, to: model.bytes.count, by: 7) {
            var bytes = model.bytes
            bytes[place] ^= 0x5A
            guard let tokenizer = try? Model.tokenizer(bytes) else { continue }
            accepted += 1
            for text in Self.texts.prefix(20) { _ = try? tokenizer.encode(text, addingSpecialTokens: false) }
        }
        #expect(accepted > 0)
    }
}
