import Checkpoints
import Storage
import SystemPackage
import TestSupport
import Testing

/// The files of Formats/Architectures beside their schema.
struct ArchitectureTests {
    private static let names = Architecture.all.map(\.modelType)

    private func file(_ name: String) throws -> JSONValue {
        try InputFile.json(Fixture.project.appending("Formats").appending("Architectures").appending(name + ".json"))
    }

    private func check(_ document: JSONValue) throws { try JSONSchema("architecture").check(document) }

    @Test func everyFileIsCompiledIn() throws {
        let files = try FileSystem.names(in: Fixture.project.appending("Formats").appending("Architectures"))
        #expect(Set(files) == Set(Self.names.map { $0 + ".json" } + ["README.md"]))
        #expect(Set(Self.names).count == Self.names.count)
        #expect(Architecture.named("llama")?.modelType == "llama")
        #expect(Architecture.named("mamba") == nil)
    }

    @Test(arguments: names)
    func filesAreValid(_ name: String) throws {
        let file = try file(name)
        try check(file)
        #expect(file["model_type"]?.string == name)
        // With what it takes from the family that it extends, it is a description of its own.
        let complete = try #require(Architecture.named(name)).description
        let members = try #require(complete.object).members.filter { $0.name != "extends" }
        try check(.object(JSONObject(members: members)))
    }

    /// What the schema cannot say: which parts the traits ask for, and that prefixes are those of the names.
    @Test(arguments: names)
    func filesHaveThePartsOfTheirTraits(_ name: String) throws {
        let file = try #require(Architecture.named(name)).description
        let roles = Set((file["layer"]?.object?.members ?? []).filter { !$0.value.isNull }.map(\.name))
        let isGated = file["traits"]?["feed_forward"]?.string == "gated"
        // Where every layer is sparse, none has a feed-forward block of its own.
        let isSparse = roles.contains("router")
        let starts =
            (isSparse && file["layers"]?["sparse"] == nil ? [] : [""]) + (isSparse ? ["expert_"] : [])
            + (roles.contains("shared_up") ? ["shared_"] : [])
        for start in starts {
            #expect((roles.contains(start + "gate") || roles.contains(start + "gate_up")) == isGated)
            #expect(roles.contains(start + "up") != roles.contains(start + "gate_up"))
            #expect(roles.contains(start + "down"))
        }
        // What experts put out is added as it is, and their maps have no biases.
        #expect(!isSparse || file["traits"]?["output_norm"] == nil)
        #expect(isSparse == (file["configuration"]?["expert_count"] != nil))
        #expect(roles.contains("query_key_value") != roles.isSuperset(of: ["query", "key", "value"]))
        let isLearned = file["traits"]?["position"]?.string == "learned"
        #expect((file["tensors"]?["position_embedding"] != nil) == isLearned)
        #expect((file["configuration"]?["rotary_base"] != nil) == (file["traits"]?["position"]?.string == "rotary"))
        let quantities = Set(file["configuration"]?.object?.members.map(\.name) ?? [])
        #expect(
            quantities.isSuperset(of: [
                "hidden_size", "layer_count", "head_count", "feed_forward_size", "vocabulary_size", "context_length", "norm_epsilon",
                "tied_head",
            ]))
        let longest = try #require(file["prefixes"]?.array?.compactMap(\.string).max { $0.count < $1.count })
        let patterns =
            (file["layer"]?.object?.members ?? []).compactMap { $0.value["name"]?.string }
            + [file["tensors"]?["embedding"]?.string ?? ""]
        #expect(patterns.allSatisfy { $0.hasPrefix(longest) })
    }

    @Test(
        arguments: [
            ("model_type", JSONValue.integer(1)), ("traits", .members(["norm": "batch"])), ("variants", .members([:])), ("prefixes", []),
            ("prefixes", [1]),
            ("layer", .members(["nose": .members(["name": "{layer}"])])), ("extra", 1), ("extends", ""),
            ("configuration", .members(["hidden_sizes": ["n_embd"]])), ("supported", .members(["a": []])),
            ("supported", .members(["a": [[]]])), ("ignored", nil),
            ("tensors", .members(["embedding": "", "final_norm": .members(["name": "n"]), "head": "h"])),
            ("tensors", .members(["embedding": "e", "final_norm": .members(["bias": 1]), "head": "h"])),
            ("defaults", .members(["tied_head": 1])), ("fused_experts", ["experts"]),
            ("layer", .members(["expert_up": .members(["name": "{layer}.{expert}", "bias": true])])),
            ("layer", .members(["expert_up": .members(["name": "{layer}.up"])])),
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
        #expect(mismatch.description.contains(name == "model_type" ? "should have model_type" : "fits no alternative"))
    }
}
