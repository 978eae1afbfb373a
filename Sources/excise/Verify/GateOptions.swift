internal import ArgumentParser
internal import Verification

/// What must hold of an edited model.
struct GateOptions: ParsableArguments {
    @Option(help: "Named gates: \(Policy.names.joined(separator: ", ")); quick where neither it nor --gate is given.") var policy: Policy?
    @Option(help: "A comparison that must hold, such as 'retain.ratio <= 1.01', besides those of --policy.") var gate: [String] = []

    /// Nil where only gates of the user's own are given.
    var appliedPolicy: Policy? { policy ?? (gate.isEmpty ? Policy(name: "quick") : nil) }

    /// Those of the policy, for an edit that is judged on those texts, and then those of the user's own.
    func expressions(texts: Set<String>) throws -> [GateExpression] {
        (appliedPolicy?.gates(texts: texts) ?? []) + (try gate.map { try GateExpression(parsing: $0) })
    }
}

extension Policy: ExpressibleByArgument {
    public init?(argument: String) { self.init(name: argument) }
}

extension [GateExpression] {
    /// Whether one is about what has that path, so that it has to be measured.
    func name(_ path: String) -> Bool { flatMap(\.paths).contains { $0.hasPrefix(path + ".") } }
}
