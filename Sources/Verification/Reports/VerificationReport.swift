package import Storage

/// What verification found, and whether it is enough.
package struct VerificationReport: Sendable {
    package let findings: VerificationFindings
    /// The gates, in the order given; that of the vital sign comes last.
    package let gates: [GateResult]

    package var passed: Bool { gates.allSatisfy(\.passed) }

    /// Evaluates the gates over the findings. Throws `GateError` for a path that there is not.
    package init(_ findings: VerificationFindings, gates expressions: [GateExpression]) throws(GateError) {
        self.findings = findings
        let figures = JSONValue.object(JSONObject(members: findings.members))
        var gates: [GateResult] = []
        let vital = findings.vitalSign == nil ? [] : [VitalSign.gate].compactMap { $0 }
        for gate in expressions + vital { gates.append(try gate.evaluate(on: figures)) }
        self.gates = gates
    }

    /// The report's own members, in their order.
    package var members: [(name: String, value: JSONValue)] {
        findings.members + [("gates", .array(gates.map(\.json))), ("passed", .boolean(passed))]
    }
}

extension GateResult {
    var json: JSONValue {
        .members(["expression": .string(expression), "value": value.map(JSONValue.number) ?? .null, "passed": .boolean(passed)])
    }
}
