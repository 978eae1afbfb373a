import Foundation
import Testing
import Verification

/// A dead model passes nothing, whatever else holds of it.
struct VitalSignTests {
    private func report(base: Double, edited: Double, vocabulary: Int = 1000) throws -> VerificationReport {
        func comparison(_ base: Double, _ edited: Double) -> TextComparison {
            TextComparison(base: MadeScore.text([(10, 10 * base, 0)]), edited: MadeScore.text([(10, 10 * edited, 0)]), seed: 1)
        }
        let retain = comparison(base, edited)
        var findings = VerificationFindings(forget: comparison(0.1, 9), retain: retain)
        findings.vitalSign = VitalSign(retain: retain, vocabularySize: vocabulary)
        return try VerificationReport(findings, gates: [GateExpression(parsing: "forget.edited.recited == 0")])
    }

    @Test func deadModelsPassNothing() throws {
        let limit = (3 + log(1000.0)) / 2
        #expect(try report(base: 3, edited: 3.1).passed && report(base: 3, edited: limit - 0.01).passed)
        for dead in [limit + 0.01, 6.9, 40, .nan, .infinity] {
            let report = try report(base: 3, edited: dead)
            #expect(!report.passed && report.gates.map(\.passed) == [true, false])
            #expect(JUnitReport(report, policy: nil).document.contains("alive"))
        }
    }

    /// Of a base that knows nothing, no more is asked than that the edited model is about as bad.
    @Test func aBaseWithoutKnowledgeIsNoMeasure() throws {
        #expect(try report(base: 7.5, edited: 7.6).passed && !report(base: 7.5, edited: 9).passed)
    }
}
