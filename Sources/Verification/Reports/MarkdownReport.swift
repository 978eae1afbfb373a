/// A report as Markdown, for a pull request.
package struct MarkdownReport {
    private let report: VerificationReport
    private let policy: Policy?

    package init(_ report: VerificationReport, policy: Policy?) { (self.report, self.policy) = (report, policy) }

    package var document: String {
        (["## excise verify: \(report.verdict)"] + ReportTables(report, policy).all.map(\.markdown)).joined(separator: "\n\n")
    }
}

extension VerificationReport {
    /// In a sentence.
    var verdict: String {
        let failed = gates.count { !$0.passed }
        return failed == 0 ? "all \(gates.count) gates passed" : "\(failed) of \(gates.count) gates failed"
    }
}
