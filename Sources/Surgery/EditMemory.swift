internal import Checkpoints
internal import SystemPackage
internal import Transformer

/// How an edit stays within its budget: what its curvature takes of it, and what its sweeps do with the rest.
struct EditMemory: Sendable {
    /// What the sweeps may take.
    let sweeps: MemoryBudget
    /// Versions of the weights that are scored at once.
    let candidates: Int
    /// The most memory the process is to take, in bytes.
    let plannedPeak: Int

    /// Throws `TransformerError.overBudget`, naming the smallest budget that would do.
    init(
        _ model: LanguageModel, _ recipe: EditRecipe, _ records: EditRecords, _ rows: EditRows, _ parameters: [String],
        budget: MemoryBudget, scratch: FilePath
    ) throws {
        let known = recipe.method == .targetedRemoval ? records.retain : records.retain + records.keep
        let scored = [TokenBatch(rows.examples), TokenBatch(records.watched), TokenBatch(records.unseen)].filter { !$0.tokens.isEmpty }
        var passes: [(batch: TokenBatch, needsEveryExample: Bool, scoring: [TokenBatch])]
        if case .woodbury = recipe.curvature {
            passes = [(TokenBatch(known + rows.examples), true, scored)]
        } else {
            passes = [(TokenBatch(rows.examples), true, scored), (TokenBatch(known), false, [])]
        }
        if recipe.method == .forgetting { passes.append((TokenBatch(records.watched + rows.examples), false, [])) }
        let need = CurvatureNeed(recipe.curvature, model, parameters)
        let curvature = passes.reduce(0) { max($0, need.bytes($1.batch)) }
        let smallest = passes.reduce(0) {
            max($0, MemoryBudget.smallest(model, $1.batch, needsEveryExample: $1.needsEveryExample, scoring: $1.scoring))
        }
        try budget.check(smallest: smallest + curvature)
        let left = MemoryBudget(bytes: budget.bytes - curvature)
        let plans = try passes.map {
            try left.plan(model, $0.batch, scratch: scratch, needsEveryExample: $0.needsEveryExample, scoring: $0.scoring)
        }
        sweeps = left
        candidates = plans[0].candidates
        plannedPeak = plans.reduce(0) { max($0, $1.plannedPeak) } + curvature
    }
}
