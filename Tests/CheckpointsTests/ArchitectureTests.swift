import Checkpoints
import Storage
import SystemPackage
import TestSupport
import Testing

/// The files of Formats/Architectures beside their schema.
struct ArchitectureTests {
    private static let names = ["gpt2", "llama"]

    private func file(_ name: String) throws -> JSONValue {
        try InputFile.json(Fixture.project.appending("Formats").appending("Architectures").appending(name + ".json"))
    }

    private func check(_ document: JSONValue) throws { try JSONSchema("architecture").check(document) }

    @Test func everyFileIsCompiledIn() throws {
        let files = try FileSystem.names(in: Fixture.project.appending("Formats").appending("Architectures"))
        #expect(files == Self.names.map { $0 + ".json" })
        #expect(Architecture.all.map(\.modelType).sorted() == Self.names)
        #expect(Architecture.named("llama")?.modelType == "llama")
        #expect(Architecture.named("mamba") == nil)
    }

    @Test(arguments: names)
    func filesAreValid(_ name: String) throws {
        let file = try file(name)
        try check(file)
        #expect(file["model_type"]?.string == name)
    }

    /// What the schema cannot say: which parts the traits ask for, and that prefixes are those of the names.
    @Test(arguments: names)
    func filesHaveThePartsOfTheirTraits(_ name: String) throws {
        let file = try file(name)
        let roles = Set(file["layer"]?.object?.members.map(\.name) ?? [])
        #expect(roles.contains("gate") == (file["traits"]?["feed_forward"]?.string == "gated"))
        #expect(roles.contains("query_key_value") != roles.isSuperset(of: ["query", "key", "value"]))
        let isLearned = file["traits"]?["position"]?.string == "learned"
        #expect((file["tensors"]?["position_embedding"] != nil) == isLearned)
        #expect((file["configuration"]?["rotary_base"] != nil) == !isLearned)
        let longest = try #require(file["prefixes"]?.array?.compactMap(\.string).max { $0.count < $1.count })
        let patterns =
            (file["layer"]?.object?.members ?? []).compactMap { $0.value["name"]?.string } + [file["tensors"]?["embedding"]?.string ?? ""]
        #expect(patterns.allSatisfy { $0.hasPrefix(longest) })
        // A default is a default of something that is asked for.
        let quantities = Set(file["configuration"]?.object?.members.map(\.name) ?? [])
        let defaults = Set(file["defaults"]?.object?.members.map(\.name) ?? [])
        #expect(defaults.isSubset(of: quantities))
    }

    @Test(
        arguments: [
            ("model_type", JSONValue.integer(1)), ("traits", .members(["norm": "batch"])), ("prefixes", []), ("prefixes", [1]),
            ("layer", .members([:])), ("extra", 1),
            ("configuration", .members(["hidden_size": ["n_embd"]])), ("supported", .members(["a": []])),
            ("supported", .members(["a": [[]]])), ("ignored", nil),
            ("tensors", .members(["embedding": "", "final_norm": .members(["name": "n"]), "head": "h"])),
            ("tensors", .members(["embedding": "e", "final_norm": .members(["bias": true]), "head": "h"])),
            ("defaults", .members(["tied_head": 1])),
        ] as [(String, JSONValue)])
    func theSchemaRefuses(_ name: String, _ value: JSONValue) throws {
        var members = try #require(try file("llama").object).members.filter { $0.name != name }
        members.append((name, value))
        #expect(throws: JSONSchema.Mismatch.self) { try check(.object(JSONObject(members: members))) }
    }

    @Test(arguments: ["model_type", "traits", "configuration", "tensors", "layer"])
    func theSchemaAsksFor(_ name: String) throws {
        let members = try #require(try file("gpt2").object).members.filter { $0.name != name }
        let mismatch = try #require(throws: JSONSchema.Mismatch.self) { try check(.object(JSONObject(members: members))) }
        #expect(mismatch.description.contains("should have \(name)"))
    }
}
