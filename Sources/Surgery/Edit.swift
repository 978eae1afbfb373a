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

    /// The most memory the edit will take, in bytes. Throws `overBudget` where that cannot be kept.
    package static func plannedPeak(
        _ model: LanguageModel, _ method: EditRecipe.Method, _ records: EditRecords, budget: MemoryBudget, scratch: FilePath
    ) throws -> Int {
        switch method {
        case .targetedRemoval:
            let rows = try budget.plan(model, TokenBatch(records.forget + records.keep), scratch: scratch, needsEveryExample: true)
            let fisher = try budget.plan(model, TokenBatch(records.retain), scratch: scratch, needsEveryExample: false)
            return max(rows.plannedPeak, fisher.plannedPeak)
        case .removal:
            let batch = TokenBatch(records.retain + records.keep + records.forget)
            return try budget.plan(model, batch, scratch: scratch, needsEveryExample: true).plannedPeak
        }
    }

    /// Bytes of scratch files that hold one number a parameter; kept layer inputs come on top where memory is short.
    package static func scratchBytes(_ model: LanguageModel, _ method: EditRecipe.Method) -> Int {
        let stores = method == .targetedRemoval ? 4 : 2
        return stores * 4 * model.parameterCount
    }
}
