internal import Checkpoints
internal import SystemPackage
internal import Transformer

/// How an edit stays within its budget.
struct EditMemory: Sendable {
    /// How the rows are swept, while what is watched is scored beside them.
    let rows: SweepPlan
    /// The most memory the process is to take, in bytes.
    let plannedPeak: Int
    private let need: EditNeed
    private let budget: MemoryBudget
    private let scratch: FilePath

    /// Throws `TransformerError.overBudget`, naming the smallest budget that would do.
    init(
        _ model: LanguageModel, _ recipe: EditRecipe, _ records: EditRecords, _ rows: EditRows, _ parameters: [String],
        budget: MemoryBudget, scratch: FilePath
    ) throws {
        let known = recipe.method == .targetedRemoval ? records.retain : records.retain + records.keep
        // The unseen text is scored before the rows are: beside them it is counted with room to spare.
        let scored = [rows.examples, records.watched, records.unseen].filter { !$0.isEmpty }.map { TokenBatch($0) }
        let need = EditNeed(model, recipe, parameters)
        var sweeps: [SweepNeed]
        if case .woodbury = recipe.curvature {
            sweeps = [need.sweeps(TokenBatch(known + rows.examples), needsEveryExample: true, scoring: scored)]
        } else {
            sweeps = [
                need.sweeps(TokenBatch(rows.examples), needsEveryExample: true, scoring: scored),
                need.sweeps(TokenBatch(known), needsEveryExample: false),
            ]
        }
        if recipe.method == .forgetting {
            sweeps.append(need.sweeps(TokenBatch(records.watched + rows.examples), needsEveryExample: false, scoring: scored))
        }
        // Before anything is planned, so that the message names what is enough for all.
        try budget.check(smallest: sweeps.map(\.smallest).max() ?? 0)
        let plans = try sweeps.map { try budget.plan($0, scratch: scratch) }
        (self.need, self.budget, self.scratch) = (need, budget, scratch)
        self.rows = plans[0]
        plannedPeak = plans.map(\.plannedPeak).max() ?? 0
    }

    /// How the unedited model's gradients of other examples are swept.
    func plan(_ batch: TokenBatch, needsEveryExample: Bool) throws -> SweepPlan {
        try budget.plan(need.sweeps(batch, needsEveryExample: needsEveryExample), scratch: scratch)
    }
}
