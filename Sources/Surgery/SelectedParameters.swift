internal import Transformer

/// What of a model an edit may change: parameters, and of some of them only some rows.
package struct SelectedParameters: Sendable {
    package let names: [String]
    /// For each parameter of which only some rows may change, which. None: all of every parameter.
    package let rows: [String: [Bool]]

    package init(_ names: [String], rows: [String: [Bool]] = [:]) { (self.names, self.rows) = (names, rows) }

    /// Those of which anything may change.
    package var changing: [String] { names.filter { rows[$0]?.contains(true) ?? true } }

    /// The part of a parameter's entries that may change.
    func share(of name: String) -> Double {
        guard let rows = rows[name] else { return 1 }
        return Double(rows.count { $0 }) / Double(max(1, rows.count))
    }

    /// The tap that is shown them only, as if the model had no others.
    func tap(_ tap: any GradientTap) -> any GradientTap { SelectingTap(self, for: tap) }
}

private final class SelectingTap: GradientTap {
    private let tap: any GradientTap
    private let names: Set<String>
    private let rows: [String: [Bool]]
    /// Whether the group that is being passed has shown one of them.
    private var hasVisited = false

    init(_ selected: SelectedParameters, for tap: any GradientTap) {
        self.tap = tap
        names = Set(selected.names)
        rows = selected.rows
    }

    var needsEveryExample: Bool { tap.needsEveryExample }

    func wants(_ parameter: String) -> Bool { names.contains(parameter) && tap.wants(parameter) }

    func visit(_ slice: ParameterSlice, _ factors: borrowing GradientFactors, examples: Range<Int>) throws {
        guard names.contains(slice.name) else { return }
        hasVisited = true
        guard let chosen = rows[slice.name] else { return try tap.visit(slice, factors, examples: examples) }
        try factors.withRows(Array(chosen[slice.firstRow..<slice.firstRow + slice.rows])) { factors in
            try tap.visit(slice, factors, examples: examples)
        }
    }

    func finish(_ group: ParameterGroup) throws -> Bool {
        defer { hasVisited = false }
        return hasVisited ? try tap.finish(group) : false
    }
}
