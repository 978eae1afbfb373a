internal import Checkpoints
internal import SystemPackage
internal import Transformer

/// Passes through an edit's model, within its memory, under the meter's eyes.
struct EditSweeps: Sendable {
    let model: LanguageModel
    let selected: SelectedParameters
    let memory: EditMemory
    let scratch: FilePath
    let meter: EditMeter
    /// The layer that each tensor is of.
    private let groups: [String: String]

    /// - Parameter groups: the layer that each tensor is of, as `layers(of:)` has it.
    init(
        _ model: LanguageModel, _ selected: SelectedParameters, _ memory: EditMemory, scratch: FilePath, meter: EditMeter,
        groups: [String: String]
    ) {
        (self.model, self.selected, self.memory, self.scratch) = (model, selected, memory, scratch)
        (self.meter, self.groups) = (meter, groups)
    }

    /// The number of the layer that each tensor of a layer is of.
    static func layers(of model: LanguageModel) -> [String: String] {
        let layers = model.layout.layers.enumerated()
        return Dictionary(layers.flatMap { index, layer in layer.parameters.map { ($0, "\(index)") } }) { first, _ in first }
    }

    /// A piece of work begins that takes about so many passes through what may change, some of them from the tokens on.
    func begins(_ work: String, passes: Int, fromTokens: Int = 1) {
        let unchanged = memory.rows.unchangedLayers
        meter.begins(work, layers: passes * (model.layout.layers.count - unchanged + 1) + fromTokens * unchanged)
    }

    /// The model with a change on it, or as it is.
    func weights(sum: ParameterStore? = nil, step: ParameterStore? = nil, scale: Double = 0) -> MeteredWeights {
        var source: any WeightSource = model.checkpoint
        if sum != nil || step != nil { source = EditedWeights(model.checkpoint, sum: sum, step: step, scale: Float(scale)) }
        return MeteredWeights(source: source, meter: meter, groups: groups)
    }

    /// A number for each entry of the parameters that may change, all zeros.
    func store() throws -> ParameterStore { try ParameterStore(model, selected.names, in: scratch) }

    /// A sweep over the records that the edit is about.
    func rows(_ rows: [Example], after companions: [Example]) throws -> RowSweep {
        try RowSweep(
            model, selected, batch: TokenBatch(companions + rows), companions: companions.count, plan: memory.rows, meter: meter)
    }

    /// Goes through the unedited model with some examples and hands over what goes back, as often as `body` likes.
    func gradients(
        of examples: [Example], needsEveryExample: Bool = false, _ body: ((any GradientTap) throws -> Void) throws -> Void
    ) throws {
        let batch = TokenBatch(examples)
        var sweep = try LayerSweep(model, batch, plan: memory.plan(batch, needsEveryExample: needsEveryExample))
        _ = try metered(batch) { try sweep.scoreKeeping(from: weights()) }
        try body { tap in try metered(batch) { try sweep.backward(from: weights(), tap: selected.tap(tap)) } }
    }

    /// What tells examples' losses again and again.
    func losses(of examples: [Example]) -> ExampleLosses {
        ExampleLosses(CandidateSweep(model, TokenBatch(examples), plan: memory.rows), meter: meter)
    }

    /// Examples' mean losses.
    func losses(_ examples: [Example], from weights: any WeightSource) throws -> [Double] {
        try losses(of: examples).means(from: weights)
    }

    private func metered<Result>(_ batch: TokenBatch, _ pass: () throws -> Result) rethrows -> Result {
        try meter.pass(tokens: batch.tokens.count, pass)
    }
}
