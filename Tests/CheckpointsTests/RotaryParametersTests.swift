import Checkpoints
import Foundation
import Storage
import SystemPackage
import TestSupport
import Testing

/// Rotary scalings as config.json has them, and which layers have what. What they compute is compared with transformers by the
/// pico models of every kind.
struct RotaryParametersTests {
    private func configuration(_ fixture: String, _ name: String, _ value: JSONValue) throws -> ModelConfiguration {
        let path = Fixture.directory.appending(fixture).appending("config.json")
        let members = try #require(InputFile.json(path).object).members.filter { $0.name != name } + [(name, value)]
        return try ModelConfiguration(document: .object(JSONObject(members: members)), path: path)
    }

    private func rotary(_ scaling: KeyValuePairs<String, JSONValue>) throws -> RotaryParameters {
        try configuration("llama-sharded", "rope_scaling", .members(scaling)).rotary[0]
    }

    @Test func aLinearFactorDividesEveryFrequency() throws {
        let stretched = try rotary(["rope_type": "linear", "factor": 4.0]).frequencies(length: 5)
        let plain = try rotary(["rope_type": "default"]).frequencies(length: 5)
        #expect(stretched == plain.map { $0 / 4 })
    }

    @Test func aLongSequenceHasItsOwnFrequencies() throws {
        let long = RotaryParameters(base: 100, columns: 4, scaling: .long(short: [1, 1], long: [2, 4], original: 8))
        #expect(long.longFrom == 9)
        #expect(long.frequencies(length: 8) == [1, 0.1])
        #expect(long.frequencies(length: 9) == [0.5, 0.025])
    }

    @Test(
        arguments: [
            (["rope_type": "linear"], "rope_scaling.factor"), (["rope_type": "linear", "factor": 0], "rope_scaling.factor"),
            (["rope_type": "yarn", "factor": "4"], "rope_scaling.factor"), (["rope_type": 7], "rope_scaling.rope_type"),
            (["rope_type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 4], "rope_scaling.high_freq_factor"),
            (["rope_type": "longrope", "short_factor": [1], "long_factor": [1, 1, 1]], "rope_scaling.short_factor"),
            (["rope_type": "longrope", "short_factor": [1, 1, -1], "long_factor": [1, 1, 1]], "rope_scaling.short_factor"),
            (["rope_type": "longrope", "original_max_position_embeddings": 1e300], "rope_scaling"),
        ] as [(KeyValuePairs<String, JSONValue>, String)])
    func refusesAMalformedScaling(_ scaling: KeyValuePairs<String, JSONValue>, _ key: String) throws {
        let error = try checkpointError { _ = try rotary(scaling) }
        guard case .configuration(_, key, _) = error else { throw error }
        #expect(error.fault == .malformedInput)
    }

    @Test(arguments: [0, 1, 3])
    func layersAreWindowedByNumber(first: Int) throws {
        let layers = try configuration("qwen2-first-layers", "max_window_layers", .integer(first)).layers
        #expect(layers.map(\.window) == (0..<2).map { $0 >= first ? 6 : nil })
    }

    /// A run that claims to go on for ever is cut where the layers end; a list that is too short is refused.
    @Test func layersAreListedInRuns() throws {
        let long: JSONValue = [[["global", "local"], 2]]
        #expect(try configuration("gpt-neo-local", "attention_types", long).layers.map(\.window) == [nil, 5])
        for short: JSONValue in [[], [[["global"], 1]], [[["global", "local"], -1]], [[["global"], 1_000_000_000]], [["global"]]] {
            let error = try checkpointError { _ = try configuration("gpt-neo-local", "attention_types", short) }
            guard case .configuration(_, "attention_types", _) = error else { throw error }
        }
    }

    /// Gemma 3 turns windowed layers by a table of their own; SmolLM3 leaves some layers unturned.
    @Test func layersHaveTheirTables() throws {
        let gemma = try ModelConfiguration(directory: Fixture.directory.appending("gemma3-two-bases"))
        #expect(gemma.layers.map(\.rotary) == [1, 0, 1] && gemma.rotary.map(\.base) == [1e6, 100])
        let smol = try ModelConfiguration(directory: Fixture.directory.appending("smollm3-unturned-layers"))
        #expect(smol.layers.map(\.rotary) == [0, nil, 0])
    }
}
