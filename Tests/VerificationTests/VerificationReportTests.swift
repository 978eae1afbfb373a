import Storage
import SystemPackage
import TestSupport
import Testing
import Transformer
import Verification

struct VerificationReportTests {
    private func score(nll: Double, recited: Int, records: Int) throws -> TextScore {
        try MadeScore.text((0..<records).map { (10, 10 * nll, $0 < recited ? 10 : 3) })
    }

    private func comparison(_ base: Double, _ edited: Double, recited: (base: Int, edited: Int) = (0, 0), records: Int = 4) throws
        -> TextComparison
    {
        try TextComparison(
            base: score(nll: base, recited: recited.base, records: records),
            edited: score(nll: edited, recited: recited.edited, records: records), seed: 1)
    }

    private func distributions(_ divergences: [Float], agreements: Int = 0) -> DistributionComparison {
        var comparison = DistributionComparison()
        comparison.divergences = divergences
        comparison.agreements = divergences.indices.map { $0 < agreements }
        return comparison
    }

    /// An edit as it should be: the forgotten is like the unseen, the kept is still recited.
    private func report(
        forget: TextComparison? = nil, retain: TextComparison? = nil, keep: TextComparison?? = nil, holdout: TextComparison?? = nil,
        distributions: DistributionComparison? = nil, gates: [String] = []
    ) throws -> VerificationReport {
        try VerificationReport(
            forget: forget ?? self.comparison(0.5, 4.25, recited: (4, 0)), retain: retain ?? comparison(2, 2.005),
            keep: keep ?? comparison(0.25, 0.5, recited: (3, 3)), holdout: holdout ?? comparison(4.5, 4.5),
            distributions: distributions ?? self.distributions([0.5, 0.25, 0, 0.25], agreements: 3),
            gates: gates.map { try GateExpression(parsing: $0) })
    }

    private func standard(_ keep: Bool, _ holdout: Bool) -> [String] { VerificationReport.standardGates(keep: keep, holdout: holdout) }

    // MARK: Members

    @Test func hasTheMembersOfTheContractInOrder() throws {
        let members = try report(gates: ["retain.ratio <= 1.01"]).members
        #expect(
            members.map(\.name) == [
                "forget", "retain", "keep", "holdout", "kl_divergence", "top1_agreement", "metrics", "gates", "passed",
            ])
        let value = JSONValue.object(JSONObject(members: members))
        for name in ["forget", "retain", "keep", "holdout"] {
            #expect(value[name]?.object?.members.map(\.name) == ["base", "edited", "ratio", "ci95"])
            for side in ["base", "edited"] {
                #expect(value[name]?[side]?.object?.members.map(\.name) == ["nll_per_token", "perplexity", "recited", "records", "tokens"])
            }
            #expect(value[name]?["ci95"]?.object?.members.map(\.name) == ["low", "high"])
        }
        #expect(value["kl_divergence"]?.object?.members.map(\.name) == ["mean", "p99", "max"])
        #expect(value["gates"]?.array?.map { $0.object?.members.map(\.name) } == [["expression", "value", "passed"]])
        // And the schema asks for no other.
        let schema = try InputFile.json(Fixture.project.appending("Formats").appending("Schemas").appending("verify.schema.json"))
        let required = (schema["required"]?.array ?? []).compactMap(\.string)
        #expect(Set(members.map(\.name)).union(["schema", "tool", "command", "inputs", "exit_code"]) == Set(required))
    }

    @Test func hasTheFigures() throws {
        let value = try JSONValue.object(JSONObject(members: report().members))
        #expect(value["forget"]?["base"]?["nll_per_token"]?.number == 0.5)
        #expect(value["forget"]?["base"]?["recited"]?.integer == 4)
        #expect(value["forget"]?["edited"]?["recited"]?.integer == 0)
        #expect(value["forget"]?["edited"]?["records"]?.integer == 4)
        #expect(value["forget"]?["edited"]?["tokens"]?.integer == 40)
        #expect(abs((value["forget"]?["ratio"]?.number ?? 1).logarithm - 3.75) < 1e-12)
        #expect(abs((value["retain"]?["base"]?["perplexity"]?.number ?? 1).logarithm - 2) < 1e-12)
        #expect(value["kl_divergence"]?["mean"]?.number == 0.25)
        #expect(value["kl_divergence"]?["max"]?.number == 0.5)
        #expect(value["top1_agreement"]?.number == 0.75)
        #expect(value["metrics"]?["forget_over_holdout"]?.number == 4.25 / 4.5)
        #expect(value["passed"]?.boolean == true)
    }

    @Test func takesTheNearestRankForAPercentile() throws {
        let thousand = distributions((0..<1001).reversed().map(Float.init))
        let value = try JSONValue.object(JSONObject(members: report(distributions: thousand).members))
        #expect(value["kl_divergence"]?["p99"]?.number == 990)
        #expect(value["kl_divergence"]?["max"]?.number == 1000)
        #expect(value["top1_agreement"]?.number == 0)
    }

    @Test func isNullWhereThereIsNothing() throws {
        let report = try report(
            forget: comparison(1, 2, records: 1), keep: .some(nil), holdout: .some(nil), distributions: distributions([]))
        let value = JSONValue.object(JSONObject(members: report.members))
        #expect(value["keep"]?.isNull == true && value["holdout"]?.isNull == true)
        #expect(value["forget"]?["ci95"]?["low"]?.isNull == true && value["forget"]?["ci95"]?["high"]?.isNull == true)
        #expect(value["metrics"]?.object?.members.isEmpty == true)
        let text = value.serialized()
        #expect(text.contains(#""p99":null,"max":null"#))
    }

    // MARK: Gates

    @Test func hasStandardGates() {
        #expect(standard(false, false) == ["forget.edited.recited == 0", "retain.ratio <= 1.01", "forget.ratio > 1"])
        #expect(
            standard(true, true) == [
                "forget.edited.recited == 0", "retain.ratio <= 1.01", "forget.edited.nll_per_token >= 0.9 * holdout.base.nll_per_token",
                "keep.edited.recited >= keep.base.recited",
            ])
        #expect(standard(true, false).count == 4 && standard(false, true).count == 3)
    }

    @Test func standardGatesPassForWhatIsForgotten() throws {
        let full = try report(gates: standard(true, true))
        #expect(full.passed && full.gates.map(\.expression) == standard(true, true))
        #expect(try report(keep: .some(nil), holdout: .some(nil), gates: standard(false, false)).passed)
    }

    @Test func standardGatesFailOneByOne() throws {
        func failures(_ report: VerificationReport) -> [Int] { report.gates.indices.filter { !report.gates[$0].passed } }
        let gates = standard(true, true)
        #expect(failures(try report(forget: comparison(0.5, 4.25, recited: (4, 1)), gates: gates)) == [0])
        #expect(failures(try report(retain: comparison(2, 2.02), gates: gates)) == [1])
        #expect(failures(try report(forget: comparison(0.5, 4), gates: gates)) == [2])
        #expect(failures(try report(keep: comparison(0.25, 0.5, recited: (3, 2)), gates: gates)) == [3])
        #expect(failures(try report(forget: comparison(2, 2), gates: standard(false, false))) == [2])
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
            forget: comparison(1, 2, records: 1), keep: .some(nil), holdout: .some(nil), distributions: distributions([]), gates: [gate])
        #expect(report.gates == [GateResult(expression: gate, value: nil, passed: false)])
        #expect(!report.passed)
        #expect(JSONValue.object(JSONObject(members: report.members))["gates"]?.array?.first?["value"]?.isNull == true)
    }

    @Test(arguments: ["retain.ration <= 1", "forget.base.nll > 0", "passed == 1", "gates == 0", "metrics.mia < 1", "forget < 1"])
    func aWrongPathIsAMistake(_ gate: String) throws {
        let error = try #require(throws: GateError.self) { try report(gates: [gate]) }
        #expect(error.fault == .usage)
    }
}
