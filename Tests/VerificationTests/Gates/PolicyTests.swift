import Storage
import SystemPackage
import TestSupport
import Testing
import Verification

struct PolicyTests {
    @Test(arguments: Policy.names)
    func filesAreAsTheirSchemaSays(_ name: String) throws {
        let document = try InputFile.json(Fixture.project.appending("Formats").appending("Policies").appending(name + ".json"))
        try JSONSchema("policy").check(document)
        // What is compiled in is what is in the file.
        let policy = try #require(Policy(name: name))
        #expect(policy.name == name && policy.description == document["description"]?.string)
        let gates = document["gates"]?.array ?? []
        #expect(policy.rules.map(\.gate.text) == gates.map { $0["gate"]?.string } && !gates.isEmpty)
        let texts = gates.compactMap { $0["needs"]?.string ?? $0["without"]?.string }
        #expect(Set(texts).isSubset(of: ["keep", "holdout"]))
    }

    @Test func thereAreNoOthers() {
        #expect(["", "Quick", "strict", "quick.json", "../quick"].allSatisfy { Policy(name: $0) == nil })
    }

    /// Gates about a text that is not there are left out; in release and audit the holdout is not optional.
    @Test func gatesFitTheTexts() throws {
        let quick = try #require(Policy(name: "quick"))
        func gates(_ texts: Set<String>) -> [String] { quick.gates(texts: texts).map(\.text) }
        #expect(gates([]) == ["forget.edited.recited == 0", "retain.ratio <= 1.01", "forget.ratio > 1"])
        #expect(
            gates(["keep", "holdout"]) == [
                "forget.edited.recited == 0", "retain.ratio <= 1.01", "forget.edited.nll_per_token >= 0.9 * holdout.base.nll_per_token",
                "keep.edited.recited >= keep.base.recited",
            ])
        let release = try #require(Policy(name: "release"))
        #expect(release.gates(texts: []).contains { $0.paths.contains("holdout.base.nll_per_token") })
        #expect(release.gates(texts: ["keep"]).count == release.gates(texts: []).count + 2)
    }

    @Test(arguments: ["[]", #"{"name":"x"}"#, #"{"name":"x","description":"y","gates":[{"gate":"1 < 2"}]}"#])
    func refusesWhatLacksSomething(_ text: String) {
        #expect(throws: PolicyDefect.self) { try Policy(parsing: Array(text.utf8)) }
    }
}
