package import Checkpoints
internal import Transformer

/// Which of a model's parameters an edit may change: those that one of `included` matches (all, where it is empty) and none of
/// `excluded`.
package struct ParameterSelection: Sendable {
    package var included: [Glob] = []
    package var excluded: [Glob] = []

    package init() {}

    /// The names, in the layout's order. Throws `unmatchedPattern` for a pattern that matches no parameter, and `nothingSelected`.
    package func names(of model: LanguageModel) throws(SurgeryError) -> [String] {
        let all = model.layout.parameters
        for glob in included + excluded where !all.contains(where: glob.matches) { throw .unmatchedPattern(glob.description) }
        let names = all.filter { name in
            (included.isEmpty || included.contains { $0.matches(name) }) && !excluded.contains { $0.matches(name) }
        }
        guard !names.isEmpty else { throw .nothingSelected }
        return names
    }
}

/// Shows a tap the chosen parameters only, as if the model had no others.
final class SelectedParameters: GradientTap {
    private let tap: any GradientTap
    private let names: Set<String>
    /// Whether the group that is being passed has shown one of them.
    private var hasVisited = false

    init(_ names: some Sequence<String>, for tap: any GradientTap) {
        self.tap = tap
        self.names = Set(names)
    }

    var needsEveryExample: Bool { tap.needsEveryExample }

    func visit(_ slice: ParameterSlice, _ factors: borrowing GradientFactors, examples: Range<Int>) throws {
        guard names.contains(slice.name) else { return }
        hasVisited = true
        try tap.visit(slice, factors, examples: examples)
    }

    func finish(_ group: ParameterGroup) throws -> Bool {
        defer { hasVisited = false }
        return hasVisited ? try tap.finish(group) : false
    }
}
