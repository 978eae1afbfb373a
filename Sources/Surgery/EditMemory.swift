internal import Checkpoints
internal import SystemPackage
internal import Transformer

/// How an edit stays within its budget: what its curvature takes of it, and what its sweeps do with the rest.
struct EditMemory: Sendable {
    /// What the sweeps may take.
    let sweeps: MemoryBudget
    /// How the rows are swept, while what is watched is scored beside them.
    let rows: SweepPlan
    /// The most memory the process is to take, in bytes.
    let plannedPeak: Int

    /// Throws `TransformerError.overBudget`, naming the smallest budget that would do.
    init(
        _ model: LanguageModel, _ recipe: EditRecipe, _ records: EditRecords, _ rows: EditRows, _ parameters: [String],
        budget: MemoryBudget, scratch: FilePath
    ) throws {
        let known = recipe.method == .targetedRemoval ? records.retain : records.retain + records.keep
        // The unseen text is scored before the rows are: beside them it is counted with room to spare.
        let scored = [rows.examples, records.watched, records.unseen].filter { !$0.isEmpty }.map { TokenBatch($0) }
        var passes: [(batch: TokenBatch, needsEveryExample: Bool, scoring: [TokenBatch])]
        if case .woodbury = recipe.curvature {
            passes = [(TokenBatch(known + rows.examples), true, scored)]
        } else {
            passes = [(TokenBatch(rows.examples), true, scored), (TokenBatch(known), false, [])]
        }
        if recipe.method == .forgetting { passes.append((TokenBatch(records.watched + rows.examples), false, scored)) }
        let need = CurvatureNeed(recipe.curvature, model, parameters)
        var beside = passes.reduce(0) { max($0, need.bytes($1.batch)) }
        if recipe.salience != nil { beside += passes.reduce(0) { max($0, Self.masked($1.batch, model)) } }
        let unchanged = model.layout.unchangedLayers(where: Set(parameters).contains)
        let smallest = passes.map {
            MemoryBudget.smallest(
                model, $0.batch, needsEveryExample: $0.needsEveryExample, scoring: $0.scoring, unchangedLayers: unchanged)
        }
        try budget.check(smallest: (smallest.max() ?? 0) + beside)
        let left = MemoryBudget(bytes: budget.bytes - beside)
        let plans = try passes.map {
            try left.plan(
                model, $0.batch, scratch: scratch, needsEveryExample: $0.needsEveryExample, scoring: $0.scoring, unchangedLayers: unchanged)
        }
        (sweeps, self.rows) = (left, plans[0])
        plannedPeak = plans.reduce(0) { max($0, $1.plannedPeak) } + beside
    }

    /// A factor of a linear map's gradients without the rows that may not change, in bytes.
    private static func masked(_ batch: TokenBatch, _ model: LanguageModel) -> Int {
        let maps = model.layout.layers.flatMap { $0.linears + $0.experts.flatMap(\.linears) }
        return 4 * batch.tokens.count * (maps.map(\.storedRows).max() ?? 0)
    }
}
