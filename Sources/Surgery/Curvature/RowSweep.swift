package import Checkpoints
package import Transformer

/// A sweep over the records that an edit is about, its rows, after the examples that its curvature needs beside them.
package struct RowSweep: ~Copyable {
    /// How many examples stand before the rows.
    package let companions: Int
    package let rows: Int
    private let selected: SelectedParameters
    private let batch: TokenBatch
    private let meter: EditMeter
    private var sweep: LayerSweep

    /// - Parameters:
    ///   - selected: what taps are shown.
    ///   - batch: the companions, and then the rows.
    ///   - plan: for every example at once.
    package init(
        _ model: LanguageModel, _ selected: SelectedParameters, batch: TokenBatch, companions: Int, plan: SweepPlan,
        meter: EditMeter = EditMeter()
    ) throws {
        (self.batch, self.companions, self.selected, self.meter) = (batch, companions, selected, meter)
        rows = batch.exampleRows.count - companions
        sweep = try LayerSweep(model, batch, plan: plan)
    }

    /// Every example's mean loss, and what a pass back from these weights needs.
    package mutating func score(from weights: any WeightSource) throws -> (companions: [Double], rows: [Double]) {
        let losses = try meter.pass(tokens: batch.tokens.count) { try sweep.scoreKeeping(from: weights).meanLosses(batch) }
        return (Array(losses[..<companions]), Array(losses[companions...]))
    }

    /// Goes back through the model, from the weights that were scored last.
    package mutating func backward(_ tap: any GradientTap, from weights: any WeightSource) throws {
        try meter.pass(tokens: batch.tokens.count) { try sweep.backward(from: weights, tap: selected.tap(tap)) }
    }
}

/// Two taps in one sweep: the first sees a group of parameters, then the second does.
final class ConsecutiveTaps: GradientTap {
    let needsEveryExample = true
    private let first: any GradientTap
    private let second: any GradientTap
    private var isSecond = false

    init(_ first: any GradientTap, then second: any GradientTap) { (self.first, self.second) = (first, second) }

    func visit(_ slice: ParameterSlice, _ factors: borrowing GradientFactors, examples: Range<Int>) throws {
        try (isSecond ? second : first).visit(slice, factors, examples: examples)
    }

    func finish(_ group: ParameterGroup) throws -> Bool {
        _ = try (isSecond ? second : first).finish(group)
        isSecond.toggle()
        return isSecond
    }
}
