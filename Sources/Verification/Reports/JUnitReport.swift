/// A report as JUnit's XML, which build servers show: a test case for each gate.
package struct JUnitReport {
    private let report: VerificationReport
    private let policy: Policy?

    package init(_ report: VerificationReport, policy: Policy?) { (self.report, self.policy) = (report, policy) }

    package var document: String {
        let failures = report.gates.count { !$0.passed }
        let cases = report.gates.map { gate in
            let head = "    <testcase classname=\"excise.verify\" name=\"\(escapedMarkup(gate.expression))\""
            guard !gate.passed else { return head + "/>\n" }
            let found = gate.value.map { "the left side is \($0)" } ?? "it could not be computed"
            let reason = gate.reason(policy).map { "To show: \($0)." } ?? ""
            return head + ">\n      <failure message=\"\(escapedMarkup(found))\">\(escapedMarkup(reason))</failure>\n    </testcase>\n"
        }
        let counts = "tests=\"\(report.gates.count)\" failures=\"\(failures)\""
        return """
            <?xml version="1.0" encoding="UTF-8"?>
            <testsuites name="excise verify" \(counts)>
              <testsuite name="excise verify" \(counts) errors="0" skipped="0">
            \(cases.joined())  </testsuite>
            </testsuites>

            """
    }
}
