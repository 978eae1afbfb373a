package import Checkpoints
package import SystemPackage
package import Transformer

/// An edit by any method: the model and the records in, the change out. The model is left as it was.
package enum Edit {
    /// Finds the edit that the recipe asks for. `scratch` is a directory on a disk with room; `progress` hears what is done.
    package static func run(
        _ model: LanguageModel, _ recipe: EditRecipe, _ records: EditRecords, budget: MemoryBudget, scratch: FilePath,
        progress: (String) -> Void
    ) throws -> EditOutcome {
        switch recipe.method {
        case .targetedRemoval:
            try TargetedRemoval(model, recipe, records, budget: budget, scratch: scratch).run(progress: progress)
        case .removal:
            try FisherRemoval(model, recipe, records, budget: budget, scratch: scratch).run(progress: progress)
        }
    }

    /// The most memory the edit will take, in bytes. Throws `overBudget`, naming the smallest budget that would do, where
    /// that cannot be kept.
    package static func plannedPeak(
        _ model: LanguageModel, _ method: EditRecipe.Method, _ records: EditRecords, budget: MemoryBudget, scratch: FilePath
    ) throws -> Int {
        let sweeps: [(batch: TokenBatch, needsEveryExample: Bool)] =
            switch method {
            case .targetedRemoval: [(TokenBatch(records.forget + records.keep), true), (TokenBatch(records.retain), false)]
            case .removal: [(TokenBatch(records.retain + records.keep + records.forget), true)]
            }
        try budget.check(
            smallest: sweeps.map { MemoryBudget.smallest(model, $0.batch, needsEveryExample: $0.needsEveryExample) }.max() ?? 0)
        return try sweeps.map {
            try budget.plan(model, $0.batch, scratch: scratch, needsEveryExample: $0.needsEveryExample).plannedPeak
        }.max() ?? 0
    }

    /// Bytes of scratch files that hold one number a parameter; kept layer inputs come on top where memory is short.
    package static func scratchBytes(_ model: LanguageModel, _ method: EditRecipe.Method) -> Int {
        let stores = method == .targetedRemoval ? 4 : 2
        return stores * 4 * model.parameterCount
    }
}
