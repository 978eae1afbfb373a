import Foundation
import Testing
import Verification

/// A report as people and build servers read it.
struct PagesTests {
    private let hostile = "a<b>&\"'\u{1B}[31m\u{202E}|x"

    private func report(_ gates: [String]) throws -> VerificationReport {
        func comparison(_ base: Double, _ edited: Double) -> TextComparison {
            TextComparison(
                base: MadeScore.text([(10, 10 * base, 0), (5, 5 * base, 5)]),
                edited: MadeScore.text([(10, 10 * edited, 0), (5, 5 * edited, 0)]),
                seed: 1)
        }
        let findings = VerificationFindings(
            forget: comparison(0.5, 4.25), retain: comparison(2, 2.005), others: [("more", comparison(1, 1.5))])
        return try VerificationReport(findings, gates: gates.map { try GateExpression(parsing: $0) })
    }

    @Test func junitHasATestCaseForEachGate() throws {
        let report = try report(["retain.ratio <= 1.01", "forget.edited.recited == 0", "holdout.ratio < 1", "forget.ratio < 2"])
        let policy = try #require(Policy(name: "quick"))
        #expect(
            JUnitReport(report, policy: policy).document == """
                <?xml version="1.0" encoding="UTF-8"?>
                <testsuites name="excise verify" tests="4" failures="2">
                  <testsuite name="excise verify" tests="4" failures="2" errors="0" skipped="0">
                    <testcase classname="excise.verify" name="retain.ratio &lt;= 1.01"/>
                    <testcase classname="excise.verify" name="forget.edited.recited == 0"/>
                    <testcase classname="excise.verify" name="holdout.ratio &lt; 1">
                      <failure message="it could not be computed"></failure>
                    </testcase>
                    <testcase classname="excise.verify" name="forget.ratio &lt; 2">
                      <failure message="the left side is \(report.gates[3].value ?? 0)"></failure>
                    </testcase>
                  </testsuite>
                </testsuites>

                """)
    }

    @Test func theReasonIsThePolicys() throws {
        let report = try report(["forget.ratio > 1", "retain.ratio <= 1.001"])
        let policy = try #require(Policy(name: "quick"))
        let page = VerificationPage(report, policy: policy, base: "a", edited: "b").document
        #expect(page.contains("the forgotten is less likely than before"))
        #expect(MarkdownReport(report, policy: policy).document.contains("the forgotten is less likely than before"))
    }

    /// Nothing is run, nothing is fetched, and no name can become markup or turn a terminal red.
    @Test func thePageStandsAlone() throws {
        let page = VerificationPage(try report(["retain.ratio <= 1.01"]), policy: nil, base: hostile, edited: "x/y").document
        #expect(page.contains("a&lt;b&gt;&amp;&quot;&#39;\\u{1B}[31m\\u{202E}|x"))
        for forbidden in ["<script", "http:", "https:", "src=", "url(", "\u{1B}", "\u{202E}", "@import"] {
            #expect(!page.contains(forbidden))
        }
        #expect(page.contains("default-src 'none'"))
        for name in ["forget", "retain", "more"] { #expect(page.contains("<b>\(name)</b>")) }
        #expect(page.contains("all 1 gates passed") && page.contains("class=\"verdict passed\""))
    }

    @Test func markdownTablesHaveTheirColumns() throws {
        let text = MarkdownReport(try report(["retain.ratio <= 1.01", "forget.ratio < 1"]), policy: nil).document
        #expect(text.hasPrefix("## excise verify: 1 of 2 gates failed\n\n### Gates\n\n| gate | left side |"))
        var columns = 0
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            guard line.hasPrefix("|") else {
                columns = 0
                continue
            }
            let count = line.replacing("\\|", with: "").count { $0 == "|" }
            #expect(columns == 0 || count == columns)
            columns = count
        }
    }
}
