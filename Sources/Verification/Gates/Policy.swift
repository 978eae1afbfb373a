internal import Storage

/// A set of gates with a name, for releases that all go by the same rules: Formats/Policies/*.json, as they are compiled in.
package struct Policy: Sendable {
    /// What must hold, and why.
    package struct Rule: Sendable {
        package let gate: GateExpression
        package let reason: String
        /// A text that it is about: without it the rule is left out.
        let needed: String?
        /// A text that makes it superfluous.
        let without: String?
    }

    package let name: String
    package let description: String
    package let rules: [Rule]

    private static let files: [[UInt8]] = [PackageResources.quick_json, PackageResources.release_json, PackageResources.audit_json]

    package static let names = ["quick", "release", "audit"]

    /// Nil where there is none of that name.
    package init?(name: String) {
        guard let index = Self.names.firstIndex(of: name), let policy = try? Self(parsing: Self.files[index]) else { return nil }
        self = policy
    }

    /// Throws `JSONSyntaxError` or `GateError`, or nothing but `PolicyDefect` for what is not as its schema says.
    package init(parsing bytes: [UInt8]) throws {
        let document = try JSONValue(parsing: bytes.span)
        func text(_ value: JSONValue?, _ key: String) throws(PolicyDefect) -> String {
            guard let text = value?[key]?.string else { throw PolicyDefect(key: key) }
            return text
        }
        name = try text(document, "name")
        description = try text(document, "description")
        rules = try (document["gates"]?.array ?? []).map { rule in
            Rule(
                gate: try GateExpression(parsing: text(rule, "gate")), reason: try text(rule, "reason"), needed: rule["needs"]?.string,
                without: rule["without"]?.string)
        }
    }

    /// What a gate of it holds where it passes; nil of any other gate.
    package func reason(of gate: String) -> String? { rules.first { $0.gate.text == gate }?.reason }

    /// The gates for an edit that is judged on those texts.
    package func gates(texts: Set<String>) -> [GateExpression] {
        rules.filter { rule in
            rule.needed.map(texts.contains) ?? true && !(rule.without.map(texts.contains) ?? false)
        }.map(\.gate)
    }
}

/// A policy's file lacks something.
package struct PolicyDefect: Error {
    package let key: String
}
