import Storage
import SystemPackage
import TestSupport
import Testing
import Transformer
import Verification

struct VerificationReportTests {
    private func score(nll: Double, recited: Int, records: Int) -> TextScore {
        MadeScore.text((0..<records).map { (10, 10 * nll, $0 < recited ? 10 : 3) })
    }

    private func comparison(
        _ base: Double, _ edited: Double, recited: (base: Int, edited: Int) = (0, 0), records: Int = 4, divergences: [Float] = [],
        agreements: Int = 0
    ) -> TextComparison {
        let base = score(nll: base, recited: recited.base, records: records)
        let edited = score(nll: edited, recited: recited.edited, records: records)
        let divergence = DistributionDivergence(
            divergences: [divergences], agreements: [divergences.indices.map { $0 < agreements }], base: base, edited: edited, seed: 1)
        return TextComparison(base: base, edited: edited, divergence: divergence, bytes: 100, seed: 1)
    }

    /// An edit as it should be: the forgotten is like the unseen, the kept is still recited.
    private func report(
        forget: TextComparison? = nil, retain: TextComparison? = nil, keep: TextComparison?? = nil, holdout: TextComparison?? = nil,
        gates: [String] = []
    ) throws -> VerificationReport {
        let findings = VerificationFindings(
            forget: forget ?? comparison(0.5, 4.25, recited: (4, 0)),
            retain: retain ?? comparison(2, 2.005, divergences: [0.5, 0.25, 0, 0.25], agreements: 3),
            keep: keep ?? comparison(0.25, 0.5, recited: (3, 3)), holdout: holdout ?? comparison(4.5, 4.5))
        return try VerificationReport(findings, gates: gates.map { try GateExpression(parsing: $0) })
    }

    /// The gates of the quick policy, where those texts are given.
    private func standard(_ keep: Bool, _ holdout: Bool) throws -> [String] {
        let texts = (keep ? ["keep"] : []) + (holdout ? ["holdout"] : [])
        return try #require(Policy(name: "quick")).gates(texts: Set(texts)).map(\.text)
    }

    // MARK: Members

    @Test func hasTheMembersOfTheContractInOrder() throws {
        let members = try report(gates: ["retain.ratio <= 1.01"]).members
        #expect(
            members.map(\.name) == [
                "forget", "retain", "keep", "holdout", "texts", "kl_divergence", "top1_agreement", "probability_change", "metrics", "gates",
                "passed",
            ])
        let value = JSONValue.object(JSONObject(members: members))
        for name in ["forget", "retain", "keep", "holdout"] {
            #expect(value[name]?.object?.members.map(\.name).starts(with: ["base", "edited", "ratio", "ci95", "kl_divergence"]) == true)
            for side in ["base", "edited"] {
                #expect(
                    value[name]?[side]?.object?.members.map(\.name) == [
                        "nll_per_token", "perplexity", "bits_per_byte", "recited", "records", "tokens", "exact_memorization",
                        "extraction_strength",
                    ])
            }
            #expect(value[name]?["ci95"]?.object?.members.map(\.name) == ["low", "high"])
        }
        #expect(value["kl_divergence"]?.object?.members.map(\.name).starts(with: ["mean", "p99", "max"]) == true)
        #expect(value["gates"]?.array?.map { $0.object?.members.map(\.name) } == [["expression", "value", "passed"]])
        // And the schema asks for no other.
        let schema = try InputFile.json(Fixture.project.appending("Formats").appending("Schemas").appending("verify.schema.json"))
        let required = (schema["required"]?.array ?? []).compactMap(\.string)
        #expect(Set(members.map(\.name)).union(["schema", "tool", "command", "inputs", "memory", "exit_code"]) == Set(required))
    }

    @Test func hasTheFigures() throws {
        let value = try JSONValue.object(JSONObject(members: report().members))
        #expect(value["forget"]?["base"]?["nll_per_token"]?.number == 0.5)
        #expect(value["forget"]?["base"]?["recited"]?.integer == 4)
        #expect(value["forget"]?["edited"]?["recited"]?.integer == 0)
        #expect(value["forget"]?["edited"]?["records"]?.integer == 4)
        #expect(value["forget"]?["edited"]?["tokens"]?.integer == 40)
        // 40 tokens of 0.5 nats over 100 bytes.
        #expect(abs((value["forget"]?["base"]?["bits_per_byte"]?.number ?? 0) * 2.0.logarithm - 0.2) < 1e-12)
        #expect(abs((value["forget"]?["ratio"]?.number ?? 1).logarithm - 3.75) < 1e-12)
        #expect(abs((value["retain"]?["base"]?["perplexity"]?.number ?? 1).logarithm - 2) < 1e-12)
        #expect(value["kl_divergence"]?["mean"]?.number == 0.25)
        #expect(value["kl_divergence"]?["max"]?.number == 0.5)
        #expect(value["top1_agreement"]?.number == 0.75)
        #expect(value["metrics"]?["forget_over_holdout"]?.number == 4.25 / 4.5)
        #expect(value["passed"]?.boolean == true)
    }

    @Test func interpolatesPercentiles() throws {
        func report(_ divergences: [Float]) throws -> JSONValue {
            try JSONValue.object(JSONObject(members: self.report(retain: comparison(2, 2, divergences: divergences)).members))
        }
        let thousand = try report((0..<1001).reversed().map(Float.init))
        #expect(thousand["kl_divergence"]?["p99"]?.number == 990)
        #expect(thousand["kl_divergence"]?["max"]?.number == 1000 && thousand["kl_divergence"]?["min"]?.number == 0)
        #expect(thousand["top1_agreement"]?.number == 0)
        #expect(try report([3, 1])["kl_divergence"]?["p90"]?.number == 2.8)
        // Where a distribution is no number the largest divergence says so, and the median may still be one.
        let broken = try report([0, 0, 0, .infinity])
        #expect(broken["kl_divergence"]?["max"]?.number == .infinity && broken["kl_divergence"]?["median"]?.number == 0)
    }

    @Test func isNullWhereThereIsNothing() throws {
        let report = try report(
            forget: comparison(1, 2, records: 1), retain: comparison(1, 1), keep: .some(nil), holdout: .some(nil))
        let value = JSONValue.object(JSONObject(members: report.members))
        #expect(value["keep"]?.isNull == true && value["holdout"]?.isNull == true)
        #expect(value["forget"]?["ci95"]?["low"]?.isNull == true && value["forget"]?["ci95"]?["high"]?.isNull == true)
        #expect(value["metrics"]?.object?.members.filter { !$0.value.isNull }.map(\.name) == ["forget_quality"])
        let text = value.serialized()
        #expect(text.contains(#""p99":null,"max":null"#))
    }

    // MARK: Gates

    @Test func standardGatesPassForWhatIsForgotten() throws {
        let gates = try standard(true, true)
        let full = try report(gates: gates)
        #expect(full.passed && full.gates.map(\.expression) == gates)
        #expect(try report(keep: .some(nil), holdout: .some(nil), gates: try standard(false, false)).passed)
    }

    @Test func standardGatesFailOneByOne() throws {
        func failures(_ report: VerificationReport) -> [Int] { report.gates.indices.filter { !report.gates[$0].passed } }
        let gates = try standard(true, true)
        #expect(failures(try report(forget: comparison(0.5, 4.25, recited: (4, 1)), gates: gates)) == [0])
        #expect(failures(try report(retain: comparison(2, 2.02), gates: gates)) == [1])
        #expect(failures(try report(forget: comparison(0.5, 4), gates: gates)) == [2])
        #expect(failures(try report(keep: comparison(0.25, 0.5, recited: (3, 2)), gates: gates)) == [3])
        #expect(failures(try report(forget: comparison(2, 2), gates: try standard(false, false))) == [2])
        #expect(try !report(retain: comparison(2, 2.02), gates: gates).passed)
    }

    @Test func keepsGatesInTheirOrderWithTheirValues() throws {
        let report = try report(gates: ["retain.base.nll_per_token < 1", "top1_agreement >= 0.5"])
        #expect(
            report.gates == [
                GateResult(expression: "retain.base.nll_per_token < 1", value: 2, passed: false),
                GateResult(expression: "top1_agreement >= 0.5", value: 0.75, passed: true),
            ])
        #expect(!report.passed)
        let written = JSONValue.object(JSONObject(members: report.members))["gates"]?.array?.first
        #expect(written?.serialized() == #"{"expression":"retain.base.nll_per_token < 1","value":2.0,"passed":false}"#)
    }

    @Test(arguments: [
        "holdout.base.nll_per_token > 0", "keep.edited.recited >= 0", "forget.ci95.low > 0", "kl_divergence.max >= 0",
        "kl_divergence.p99 < 1",
    ])
    func whatIsNullFails(_ gate: String) throws {
        let report = try report(
            forget: comparison(1, 2, records: 1), retain: comparison(1, 1), keep: .some(nil), holdout: .some(nil), gates: [gate])
        #expect(report.gates == [GateResult(expression: gate, value: nil, passed: false)])
        #expect(!report.passed)
        #expect(JSONValue.object(JSONObject(members: report.members))["gates"]?.array?.first?["value"]?.isNull == true)
    }

    @Test(arguments: ["retain.ration <= 1", "forget.base.nll > 0", "passed == 1", "gates == 0", "metrics.nothing < 1", "forget < 1"])
    func aWrongPathIsAMistake(_ gate: String) throws {
        let error = try #require(throws: GateError.self) { try report(gates: [gate]) }
        #expect(error.fault == .usage)
    }
}
