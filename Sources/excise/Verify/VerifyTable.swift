internal import Verification

/// A verification for the terminal: each text's losses before and after, and the gates.
struct VerifyTable {
    private let report: VerificationReport

    init(_ report: VerificationReport) { self.report = report }

    func print() {
        Swift.print("          records   loss before    after   perplexity before     after    ratio   recited before   after")
        let findings = report.findings
        let roles = [("forget", findings.forget), ("keep", findings.keep), ("holdout", findings.holdout), ("retain", findings.retain)]
        for (name, row) in roles {
            guard let row else { continue }
            Swift.print(
                name + String(repeating: " ", count: 8 - name.count) + column(row.base.records.count, 9)
                    + column(decimals(row.base.nllPerToken, 3), 14)
                    + column(decimals(row.edited.nllPerToken, 3), 9) + column(decimals(row.base.perplexity, 3), 20)
                    + column(decimals(row.edited.perplexity, 3), 10) + column(decimals(row.ratio, 4), 9) + column(row.base.recited, 17)
                    + column(row.edited.recited, 8))
        }
        for gate in report.gates {
            let value = gate.value.map { "   (\(decimals($0, 4)))" } ?? "   (could not be computed)"
            Swift.print("\(gate.passed ? "passed" : "FAILED")  \(gate.expression)\(value)")
        }
        Swift.print(
            report.passed
                ? "All \(report.gates.count) gates passed." : "\(report.gates.count { !$0.passed }) of \(report.gates.count) gates failed.")
    }
}
