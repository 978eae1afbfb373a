package import Checkpoints
package import SystemPackage
package import Transformer

/// An edit that is known to fit into memory: the model, what is asked of it, the records, and the bounds it works in.
package struct EditPlan: Sendable {
    package let model: LanguageModel
    package var recipe: EditRecipe
    package let records: EditRecords
    /// The records that the edit is about, in the order of `RowLosses`.
    let rows: [Example]
    /// The parameters that may change, in the layout's order.
    package let parameters: [String]
    package let budget: MemoryBudget
    /// A directory on a disk with room.
    package var scratch: FilePath
    /// The most memory the edit will take, in bytes.
    package let plannedPeak: Int
    /// What of it the curvature takes beside the sweeps.
    private let curvatureBytes: Int
    /// Where rounds are kept as they end; nil: nowhere.
    package var journal: RoundsJournal?
    /// What hears how far the edit is.
    package let meter: EditMeter
    /// The layer that each tensor is of.
    private let groups: [String: String]

    /// Throws `TransformerError.overBudget`, naming the smallest budget that would do, where the edit cannot be kept within this one,
    /// and `SurgeryError` where nothing is left to be changed.
    package init(
        _ model: LanguageModel, _ recipe: EditRecipe, _ records: EditRecords, budget: MemoryBudget, scratch: FilePath,
        meter: EditMeter = EditMeter()
    ) throws {
        self.model = model
        self.meter = meter
        let layers = model.layout.layers.enumerated()
        groups = Dictionary(layers.flatMap { index, layer in layer.parameters.map { ($0, "\(index)") } }) { first, _ in first }
        self.recipe = recipe
        self.records = records
        parameters = try recipe.selection.names(of: model)
        self.budget = budget
        self.scratch = scratch
        let known = recipe.method == .targetedRemoval ? records.retain : records.retain + records.keep
        rows = records.forget + records.keep + records.held
        var sweeps: [(batch: TokenBatch, needsEveryExample: Bool)] =
            switch recipe.curvature {
            case .identity, .diagonal, .ekfac, .block: [(TokenBatch(rows), true), (TokenBatch(known), false)]
            case .woodbury: [(TokenBatch(known + rows), true)]
            }
        if recipe.method == .forgetting { sweeps.append((TokenBatch(records.watched + rows), false)) }
        let need = CurvatureNeed(recipe.curvature, model, parameters)
        curvatureBytes = sweeps.reduce(0) { max($0, need.bytes($1.batch)) }
        var (smallest, peak) = (0, 0)
        for sweep in sweeps {
            smallest = max(smallest, MemoryBudget.smallest(model, sweep.batch, needsEveryExample: sweep.needsEveryExample))
        }
        try budget.check(smallest: smallest + curvatureBytes)
        let left = MemoryBudget(bytes: budget.bytes - curvatureBytes)
        for sweep in sweeps {
            let plan = try left.plan(model, sweep.batch, scratch: scratch, needsEveryExample: sweep.needsEveryExample)
            peak = max(peak, plan.plannedPeak + curvatureBytes)
        }
        plannedPeak = peak
    }

    /// Bytes of scratch files that hold numbers for each parameter; kept layer inputs come on top where memory is short.
    package var scratchBytes: Int {
        let edits = recipe.method == .forgetting ? 4 : 3
        return edits * 4 * parameterCount + CurvatureNeed(recipe.curvature, model, parameters).scratchBytes
    }

    /// Finds the edit. The model is left as it was.
    package func run() throws -> EditOutcome {
        switch recipe.method {
        case .targetedRemoval:
            let rounds = EditRounds(self, try curvature(of: records.retain), TargetedRemoval(target: recipe.target))
            return try rounds.run(from: EditRounds.Beginning(change: store()))
        case .removal, .gradientAscent:
            return try removal(curvature(of: records.retain + records.keep)).run(from: EditRounds.Beginning(change: store()))
        case .forgetting:
            return try FisherForgetting(self, curvature(of: records.retain + records.keep)).run()
        }
    }

    func removal(_ curvature: any Curvature) -> EditRounds {
        EditRounds(self, curvature, FisherRemoval(strength: recipe.strength, target: recipe.target))
    }

    /// F of some examples, in a forward and, but in example space, a backward sweep or two.
    func curvature(of examples: [Example]) throws -> any Curvature {
        if case .woodbury(let block) = recipe.curvature {
            return WoodburyCurvature(model.checkpoint, retain: examples, block: block, rho: recipe.damping)
        }
        begins("Fisher of \(examples.count) retain records", passes: recipe.curvature == .ekfac ? 3 : 2)
        let batch = TokenBatch(examples)
        var sweep = try LayerSweep(model, batch, plan: sweepPlan(batch, needsEveryExample: false))
        _ = try metered(batch) { try sweep.scoreKeeping(from: weights()) }
        let fisher = try fisher(of: examples.count) { tap in
            try metered(batch) { try sweep.backward(from: weights(), tap: SelectedParameters(parameters, for: tap)) }
        }
        return StoredCurvature(fisher, of: model.checkpoint, parameters: parameters)
    }

    private func fisher(of count: Int, _ fill: (any GradientTap) throws -> Void) throws -> any StoredFisher {
        if case .identity = recipe.curvature {
            let fisher = try IdentityFisher(model, parameters, examples: count, scratch: scratch)
            try fill(fisher)
            return fisher
        }
        if case .block(let size) = recipe.curvature {
            let fisher = try BlockFisher(model, parameters, examples: count, size: size, rho: recipe.damping, scratch: scratch)
            try fill(fisher)
            try fisher.factor()
            return fisher
        }
        var bases: KroneckerBases?
        if case .ekfac = recipe.curvature {
            let found = try KroneckerBases(model, parameters, scratch: scratch)
            try fill(found)
            try found.diagonalize()
            bases = found
        }
        let fisher = try DiagonalFisher(model, parameters, examples: count, rho: recipe.damping, bases: bases, scratch: scratch)
        try fill(fisher)
        return fisher
    }

    /// The model with a change on it, or as it is; read under the meter's eyes.
    func weights(sum: ParameterStore? = nil, step: ParameterStore? = nil, scale: Double = 0) -> MeteredWeights {
        var source: any WeightSource = model.checkpoint
        if sum != nil || step != nil { source = EditedWeights(model.checkpoint, sum: sum, step: step, scale: Float(scale)) }
        return MeteredWeights(source: source, meter: meter, groups: groups)
    }

    /// A piece of work begins that takes about so many passes through the model.
    func begins(_ work: String, passes: Int) { meter.begins(work, layers: passes * (model.layout.layers.count + 1)) }

    private func metered<Result>(_ batch: TokenBatch, times: Int = 1, _ pass: () throws -> Result) rethrows -> Result {
        try meter.pass(tokens: times * batch.tokens.count, pass)
    }

    /// A sweep over the records that the edit is about, within the budget.
    func rowSweep(_ curvature: any Curvature) throws -> RowSweep {
        let batch = TokenBatch(curvature.companions + rows)
        return try RowSweep(
            model, parameters: parameters, batch: batch, companions: curvature.companions.count, plan: sweepPlan(batch), meter: meter)
    }

    /// How a batch is swept within what the curvature leaves of the budget.
    func sweepPlan(_ batch: TokenBatch, needsEveryExample: Bool = true) throws -> SweepPlan {
        try MemoryBudget(bytes: budget.bytes - curvatureBytes).plan(
            model, batch, scratch: scratch, needsEveryExample: needsEveryExample)
    }

    /// Examples' mean losses by the unedited model, and their first-order changes by a change of its weights.
    func effect(of change: ParameterStore, on examples: [Example]) throws -> (losses: [Double], changes: [Double]) {
        let batch = TokenBatch(examples)
        var sweep = try LayerSweep(model, batch, plan: sweepPlan(batch, needsEveryExample: false))
        let losses = try metered(batch) { try sweep.scoreKeeping(from: weights()).meanLosses(batch) }
        let tap = ChangeEffect(change, examples: examples.count)
        try metered(batch) { try sweep.backward(from: weights(), tap: SelectedParameters(parameters, for: tap)) }
        return (losses, tap.effect)
    }

    /// Examples' mean losses by each of several versions of the weights, at most `CandidateSweep.most` of them.
    func losses(_ examples: [Example], fromEach sources: [any WeightSource]) throws -> [[Double]] {
        let batch = TokenBatch(examples)
        var sweep = CandidateSweep(model, batch)
        return try metered(batch, times: sources.count) { try sweep.score(from: sources).map { $0.meanLosses(batch) } }
    }

    /// The watched retain records' mean loss.
    func retainLoss(from weights: any WeightSource) throws -> Double { try mean(losses(records.watched, from: weights)) }

    /// Examples' mean losses.
    func losses(_ examples: [Example], from weights: any WeightSource) throws -> [Double] {
        let batch = TokenBatch(examples)
        var sweep = try LayerSweep(model, batch, plan: .forward)
        return try metered(batch) { try sweep.score(from: weights).meanLosses(batch) }
    }

    /// How many numbers the parameters that may change hold.
    package var parameterCount: Int { parameters.reduce(0) { $0 + (model.checkpoint.tensor(named: $1)?.elementCount ?? 0) } }

    /// A number for each of them, all zeros.
    func store() throws -> ParameterStore { try ParameterStore(model, parameters, in: scratch) }
}
