import Storage
import SystemPackage
import TestSupport
import Testing
import Tokenizers

/// One of the small tokenizers of Tests/Fixtures/tokenizers/kinds.json, and what Hugging Face tokenizers did with it.
struct KindFixture: Sendable, CustomTestStringConvertible {
    let name: String
    /// The whole tokenizer.json.
    let definition: JSONValue
    /// By text.
    let ids: [[Int32]]
    let idsWithSpecialTokens: [[Int32]]
    let decoded: [(ids: [Int32], text: String, unspecial: String)]

    var testDescription: String { name }

    func tokenizer() throws -> Tokenizer { try Tokenizer(json: definition, name: name) }

    static let texts: [String] = (document["texts"]?.array ?? []).compactMap(\.string)

    static let all: [KindFixture] = (document["tokenizers"]?.array ?? []).map { KindFixture($0) }

    static func named(_ name: String) throws -> KindFixture { try #require(all.first { $0.name == name }) }

    /// Empty where the file is missing, which `all` being empty then shows.
    private static let document: JSONValue =
        (try? InputFile.json(Fixture.directory.appending("tokenizers").appending("kinds.json"))) ?? .null

    private init(_ entry: JSONValue) {
        name = entry["name"]?.string ?? ""
        var model = Self.document["models"]?[entry["model"]?.string ?? ""]?.object ?? JSONObject()
        for (name, value) in entry["changes"]?.object?.members ?? [] {
            model.members.removeAll { $0.name == name }
            model.members.append((name, value))
        }
        let parts = entry["definition"]?.object?.members ?? []
        definition = .object(JSONObject(members: parts + [("model", .object(model))]))
        ids = Self.lists(entry["ids"])
        // Null where they are the same.
        let special = Self.lists(entry["ids_with_special_tokens"])
        idsWithSpecialTokens = special.isEmpty ? ids : special
        decoded = (entry["decoded"]?.array ?? []).map {
            (Self.list($0["ids"]), $0["text"]?.string ?? "", $0["unspecial"]?.string ?? "")
        }
    }

    private static func lists(_ value: JSONValue?) -> [[Int32]] { (value?.array ?? []).map { list($0) } }

    private static func list(_ value: JSONValue?) -> [Int32] {
        (value?.array ?? []).compactMap { $0.integer.flatMap { Int32(exactly: $0) } }
    }
}
