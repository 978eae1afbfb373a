package import Checkpoints
internal import Storage
internal import Tensors

/// What rounding leaves of an edit: of its weights, told without running the models, and of what it made the model forget.
package struct RoundingLoss: Sendable {
    package let rounding: IntegerRounding
    /// Each text, by its role, with both models rounded.
    package let texts: [(name: String, comparison: TextComparison)]
    /// How much of the forgetting is undone: (edited - rounded edited) / (edited - base) of the forget text's loss. 0: all of it lasts; 1: the
    /// rounded edited model knows the text as the base did; below 0: it knows even less than the edited one.
    package let recovery: Double
    /// How much of the difference between the two models' losses on the forget text is left where both are rounded.
    package let effectKept: Double
    package let change: ChangeKept

    /// - Parameters:
    ///   - forget: the forget text without rounding.
    ///   - texts: every text with it, the forget text first.
    package init(
        _ rounding: IntegerRounding, forget: TextComparison, rounded texts: [(name: String, comparison: TextComparison)], change: ChangeKept
    ) {
        let forgetRounded = texts[0].comparison
        self.rounding = rounding
        self.texts = texts
        self.change = change
        let forgotten = forget.edited.nllPerToken - forget.base.nllPerToken
        recovery = (forget.edited.nllPerToken - forgetRounded.edited.nllPerToken) / forgotten
        effectKept = (forgetRounded.edited.nllPerToken - forgetRounded.base.nllPerToken) / forgotten
    }

    var json: JSONValue {
        let head: [(name: String, value: JSONValue)] = [
            ("scheme", .string(rounding.scheme)), ("recovery", .number(recovery)), ("effect_kept", .number(effectKept)),
            ("energy_kept", .number(change.energy)), ("elements_kept", .number(change.elements)),
        ]
        return .object(JSONObject(members: head + texts.map { ($0.name, $0.comparison.json) }))
    }
}

/// What rounding leaves of the change d = edited - base of all weights; d' is what lies between the two once both are rounded.
package struct ChangeKept: Sendable {
    /// d . d' / d . d: 1 where the change survives whole, 0 where it is lost, beyond 1 where rounding makes it larger. NaN without a change.
    package let energy: Double
    /// The share of changed elements that still differ.
    package let elements: Double

    package init(_ base: LanguageModel, _ edited: LanguageModel, _ rounding: IntegerRounding) throws {
        var sums = ChangeSums()
        let rounded = (base: RoundedWeights(base, rounding), edited: RoundedWeights(edited, rounding))
        for name in base.layout.parameters {
            guard let tensor = base.checkpoint.tensor(named: name), let other = edited.checkpoint.tensor(named: name),
                tensor.shape == other.shape
            else { continue }
            let sources: [any WeightSource] = [base.checkpoint, edited.checkpoint, rounded.base, rounded.edited]
            // Whole rows at a time: a large embedding is never in memory whole.
            let width = max(1, tensor.shape.last ?? 1)
            let count = max(1, (1 << 20) / width) * width
            for start in stride(from: 0, to: tensor.elementCount, by: count) {
                let end = min(tensor.elementCount, start + count)
                var values = Matrix(rows: 4, columns: end - start)
                for (row, source) in sources.enumerated() {
                    var view = values.mutableRows(row..<row + 1)
                    try source.read(name, from: start, into: &view.elements)
                }
                sums.add(values)
            }
        }
        energy = sums.product / sums.energy
        elements = Double(sums.kept) / Double(sums.changed)
    }
}

private struct ChangeSums {
    var energy = 0.0
    var product = 0.0
    var changed = 0
    var kept = 0

    /// Rows: base, edited, both rounded.
    mutating func add(_ values: borrowing Matrix) {
        let view = values.view
        let (before, after, low, high) = (view.row(0), view.row(1), view.row(2), view.row(3))
        for index in before.indices where before[index] != after[index] {
            let change = Double(after[index]) - Double(before[index])
            let rounded = Double(high[index]) - Double(low[index])
            energy += change * change
            product += change * rounded
            changed += 1
            kept += rounded == 0 ? 0 : 1
        }
    }
}
