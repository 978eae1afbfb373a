package import Checkpoints
internal import Transformer

/// Which of a model's parameters an edit may change: those that one of `included` matches (all, where it is empty) and none of
/// `excluded`, of one of the `roles` (any, where there are none).
package struct ParameterSelection: Sendable {
    package enum Pattern: Sendable, CustomStringConvertible {
        case name(Glob)
        /// Layers by their numbers, from 0.
        case layers(ClosedRange<Int>)

        /// A range such as 4-7, a layer's number, or a pattern for names.
        package init(_ text: String) {
            let bounds = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            if let first = bounds.first ?? nil, let last = bounds.last ?? nil, bounds.count <= 2, first >= 0, first <= last {
                self = .layers(first...last)
            } else {
                self = .name(Glob(text))
            }
        }

        package var description: String {
            switch self {
            case .name(let glob): glob.description
            case .layers(let range): "\(range.lowerBound)-\(range.upperBound)"
            }
        }

        func matches(_ name: String, layer: Int?) -> Bool {
            switch self {
            case .name(let glob): glob.matches(name)
            case .layers(let range): layer.map(range.contains) ?? false
            }
        }
    }

    package var included: [Pattern] = []
    package var excluded: [Pattern] = []
    package var roles: [ParameterRole] = []

    package init() {}

    /// The names, in the layout's order. Throws `unmatchedPattern` for a pattern that matches no parameter, and `nothingSelected`.
    package func names(of model: LanguageModel) throws(SurgeryError) -> [String] {
        let all = model.layout.parameters.map { name in (name, model.layout.place(of: name)) }
        for pattern in included + excluded where !all.contains(where: { pattern.matches($0.0, layer: $0.1.layer) }) {
            throw .unmatchedPattern(pattern.description)
        }
        let names = all.filter { name, place in
            (included.isEmpty || included.contains { $0.matches(name, layer: place.layer) })
                && !excluded.contains { $0.matches(name, layer: place.layer) } && (roles.isEmpty || roles.contains(place.role))
        }.map(\.0)
        guard !names.isEmpty else { throw .nothingSelected }
        return names
    }
}
