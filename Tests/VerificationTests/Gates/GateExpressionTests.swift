import Storage
import TestSupport
import Testing
import Verification

struct GateExpressionTests {
    private let report = JSONValue.members([
        "retain": .members(["base": .members(["nll_per_token": 2.5]), "ratio": 1.005, "ci95": .members(["low": 1.0, "high": 1.01])]),
        "forget": .members(["edited": .members(["nll_per_token": 4.5, "recited": 0]), "ratio": .number(.infinity)]),
        "holdout": nil,
        "metrics": .members(["mia_auc": nil, "5gram_recall": 0.25]),
        "zero": 0,
        "passed": true,
        "method": "fisher-targeted",
        "gates": [],
    ])

    private func evaluate(_ text: String) throws -> GateResult {
        try GateExpression(parsing: text).evaluate(on: report)
    }

    private func error(_ text: String) throws -> GateError {
        try #require(throws: GateError.self) { try evaluate(text) }
    }

    // MARK: Values

    @Test(
        arguments: [
            ("1 + 2 * 3 == 7", 7), ("(1 + 2) * 3 == 9", 9), ("10 - 3 - 2 == 5", 5), ("16 / 4 / 2 == 2", 2), ("2 - -3 == 5", 5),
            ("-(1 + 2) * 2 == -6", -6), ("--1 == 1", 1), ("1e2 == 100", 100), ("2.5E-1 == .25", 0.25), ("3. == 3", 3), ("1/3*3 == 1", 1),
            ("retain.ratio <= 1.01", 1.005), ("\tretain.ratio<=1.01\n", 1.005),
            ("forget.edited.nll_per_token >= 0.9 * retain.base.nll_per_token", 4.5),
            ("forget.edited.recited == 0", 0), ("retain.ci95.high - retain.ci95.low < 0.02", 1.01 - 1.0),
            ("metrics.5gram_recall < 1", 0.25),
        ] as [(String, Double)])
    func passes(_ text: String, _ value: Double) throws {
        #expect(try evaluate(text) == GateResult(expression: text, value: value, passed: true))
    }

    @Test(arguments: [
        ("<", [true, false, false]), ("<=", [true, true, false]), (">", [false, false, true]), (">=", [false, true, true]),
        ("==", [false, true, false]), ("!=", [true, false, true]),
    ])
    func compares(_ comparison: String, _ passed: [Bool]) throws {
        #expect(try ["1", "2", "3"].map { try evaluate("\($0)\(comparison)2").passed } == passed)
    }

    @Test(arguments: [
        "metrics.mia_auc <= 1", "1 >= metrics.mia_auc", "metrics.mia_auc != metrics.mia_auc", "-metrics.mia_auc < 1",
        "holdout.base.nll_per_token > 0",
        "forget.ratio > 1", "0 * forget.ratio == 0", "1 / 0 > 0", "1 / zero != 1", "0 / 0 == 0", "1e308 * 10 > 0",
        "1 == 1 + 1 / (zero * 1)",
    ])
    func failsWhatCannotBeComputed(_ text: String) throws {
        #expect(try evaluate(text) == GateResult(expression: text, value: nil, passed: false))
    }

    @Test func namesItsPaths() throws {
        #expect(try GateExpression(parsing: "a.b + 1 <= -(c / a.b)").paths == ["a.b", "c", "a.b"])
    }

    /// A long gate takes neither stack nor much time.
    @Test func takesLongSums() throws {
        let text = Array(repeating: "1", count: 20_000).joined(separator: "+") + " == 20000"
        #expect(try evaluate(text).passed)
    }

    // MARK: Paths that do not fit

    @Test func namesTheNearestPaths() throws {
        guard case .unknownPath(_, "retain.ration", let nearest) = try error("retain.ration <= 1") else { throw Unexpected() }
        #expect(nearest == ["retain.ratio", "forget.ratio", "retain.ci95.low"])
        guard case .unknownPath(_, "nll_per_token", let ends) = try error("1 < nll_per_token") else { throw Unexpected() }
        #expect(ends.prefix(2) == ["forget.edited.nll_per_token", "retain.base.nll_per_token"])
        #expect(try error("retain.ration <= 1").fault == .usage)
        #expect(
            try error("retain.ration <= 1").description
                == #"The gate "retain.ration <= 1" names retain.ration, which the report does not have. The nearest it has: retain.ratio, forget.ratio, retain.ci95.low."#
        )
    }

    @Test(arguments: ["retain.ratio.low < 1", "gates.0 < 1", "nothing < 1", "retain.Ratio < 1"])
    func refusesUnknownPaths(_ text: String) throws {
        guard case .unknownPath = try error(text) else { throw Unexpected() }
    }

    @Test func refusesUnknownPathsBesideWhatCannotBeComputed() throws {
        guard case .unknownPath = try error("1 / 0 < nothing") else { throw Unexpected() }
    }

    @Test(arguments: [("retain", "an object"), ("gates", "an array"), ("passed", "a boolean"), ("method", "a string")])
    func refusesPathsToOtherKinds(_ path: String, _ found: String) throws {
        guard case .notANumber(_, path, found) = try error("\(path) == 1") else { throw Unexpected() }
    }

    @Test func anEmptyReportHasNoNearestPath() throws {
        let gate = try GateExpression(parsing: "a < 1")
        let error = try #require(throws: GateError.self) { try gate.evaluate(on: .members([:])) }
        guard case .unknownPath(_, "a", []) = error else { throw error }
    }

    // MARK: Syntax

    @Test(
        arguments: [
            ("", 1), ("   ", 4), ("1", 2), ("1 <", 4), ("< 1", 1), ("1 < 2 < 3", 7), ("1 = 1", 3), ("1 <> 2", 4), ("1 =< 2", 3),
            ("a..b < 1", 3),
            ("a. < 1", 3), ("a .b < 1", 3), (".a < 1", 2), (". < 1", 2), ("1.2.3 < 1", 4), ("1e < 1", 3), ("1e+ < 1", 4), ("2x < 1", 2),
            ("(1 < 2", 4), ("1 + (2 < 3", 8),
            ("1) < 2", 2), ("() < 1", 2), ("1 + * 2 < 1", 5), ("+1 < 2", 1), ("a b < 1", 3), ("1 < 2 && 2 < 3", 7), ("a-b.c < 1 ; x", 11),
            ("a[0] < 1", 2), ("1 < é", 5), ("\"a\" < 1", 1), ("1 < 2\0", 6), ("1e999 < 1", 1), ("nan(1) < 1", 4), ("a$b < 1", 2),
            ("1 ≤ 2", 3),
        ] as [(String, Int)])
    func namesTheColumnOfAnError(_ text: String, _ column: Int) throws {
        guard case .syntax(text, let found, _, _) = try error(text) else { throw Unexpected() }
        #expect(found == column)
    }

    @Test func saysWhatWasExpected() throws {
        #expect(
            try error("retain.ratio = 1").description
                == #"The gate "retain.ratio = 1" is wrong at column 14: expected one of <=, >=, <, >, ==, != or an operator, found "="."#)
        #expect(try error("1 <").description.hasSuffix(#"expected a number, a path of the report, "-" or "(", found the end."#))
    }

    @Test(arguments: ["(", "-", "-("])
    func boundsItsDepth(_ opening: String) throws {
        let deepest = String(repeating: opening, count: 64 / opening.utf8.count)
        #expect(try evaluate(deepest + "1" + String(repeating: ")", count: deepest.utf8.count { $0 == 0x28 }) + " == 1").passed)
        guard case .tooDeep(_, column: 66, limit: 64) = try error(deepest + opening + "1 < 1") else { throw Unexpected() }
        guard case .tooDeep = try error(String(repeating: opening, count: 100_000)) else { throw Unexpected() }
    }

    /// Whatever the bytes, a gate is taken or refused.
    @Test func survivesNoise() throws {
        let pieces = ["(", ")", "-", "+", "*", "/", "<", "=", "!", ">", ".", "1", "e", "9e9", "retain", "ratio", "zero", " ", "é", "\0"]
        var state: UInt64 = 1
        for _ in 0..<5_000 {
            var text = ""
            for _ in 0..<12 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                text += pieces[Int(state >> 33) % pieces.count]
            }
            do { _ = try evaluate(text) } catch is GateError {}
        }
    }
}
