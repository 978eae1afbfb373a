import Storage
import TestSupport
import Testing
import Transformer
import Verification

/// Two models on the same tokens, against transformers in Double: Float sums over small layers differ by some 1e-6 of a logit.
struct DistributionDivergenceTests {
    private func comparison() throws -> (TextComparison, JSONValue) {
        let reference = try VerificationFixture.json("pair")
        let examples = try #require(reference["tokens"]?.array).map { row in
            let tokens = try row.numbers().map { Int32($0) }
            return Example(windows: [Window(inputs: Array(tokens.dropLast()), targets: Array(tokens.dropFirst()))])
        }
        let verifier = try Verifier(base: Fixture.model("llama-linear"), edited: Fixture.model("llama-dynamic"))
        return (try #require(try verifier.compare([examples], seed: 1).first), reference)
    }

    @Test func scoresAreTransformers() throws {
        let (comparison, reference) = try comparison()
        for (name, score) in [("base", comparison.base), ("edited", comparison.edited)] {
            let expected = try #require(reference[name])
            let losses = try #require(expected["losses"]).numbers().map { Float($0) }
            #expect(relativeError(score.records.flatMap(\.losses), losses) < 1e-5)
            let standardized = try #require(expected["standardized"]).numbers().map { Float($0) }
            #expect(relativeError(score.records.flatMap(\.standardized), standardized) < 1e-4)
            #expect(try score.records.flatMap(\.isArgmax) == #require(expected["is_argmax"]).booleans())
        }
    }

    @Test func divergencesAreTransformers() throws {
        let (comparison, reference) = try comparison()
        let divergence = try #require(comparison.divergence)
        let expected = try #require(reference["divergences"]).numbers()
        #expect(relativeError(divergence.divergences.map { Float($0) }, expected.map { Float($0) }) < 1e-4)
        #expect(divergence.agreement == reference["top1_agreement"]?.number)
    }

    /// The same figures as NumPy's, which are those that llama.cpp prints.
    @Test func figuresAreNumPys() throws {
        let (comparison, reference) = try comparison()
        let members = JSONValue.object(
            JSONObject(members: VerificationFindings(forget: comparison, retain: comparison).members))
        for name in ["kl_divergence", "probability_change"] {
            for member in try #require(reference[name]?.object).members {
                let found = try #require(members["forget"]?[name]?[member.name]?.number, "\(name).\(member.name)")
                let expected = try #require(member.value.number)
                #expect(abs(found - expected) <= 1e-6 + 1e-4 * abs(expected), "\(name).\(member.name)")
            }
        }
        for name in ["top1_agreement", "top1_agreement_stderr"] {
            let (found, expected) = (members["forget"]?[name]?.number ?? -1, reference[name]?.number ?? -2)
            #expect(abs(found - expected) < 1e-12)
        }
        #expect(members["kl_divergence"]?.serialized() == members["retain"]?["kl_divergence"]?.serialized())
    }
}
