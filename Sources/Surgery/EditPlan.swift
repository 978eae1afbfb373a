package import Checkpoints
package import SystemPackage
package import Transformer

/// An edit that is known to fit into memory: the model, what is asked of it, the records, and the bounds it works in.
package struct EditPlan: Sendable {
    package let model: LanguageModel
    package var recipe: EditRecipe
    package let records: EditRecords
    /// The parameters that may change, in the layout's order.
    package let parameters: [String]
    package let budget: MemoryBudget
    /// A directory on a disk with room.
    package var scratch: FilePath
    /// The most memory the edit will take, in bytes.
    package let plannedPeak: Int

    /// Throws `TransformerError.overBudget`, naming the smallest budget that would do, where the edit cannot be kept within this one,
    /// and `SurgeryError` where nothing is left to be changed.
    package init(
        _ model: LanguageModel, _ recipe: EditRecipe, _ records: EditRecords, budget: MemoryBudget, scratch: FilePath
    ) throws {
        self.model = model
        self.recipe = recipe
        self.records = records
        parameters = try recipe.selection.names(of: model)
        self.budget = budget
        self.scratch = scratch
        let sweeps: [(batch: TokenBatch, needsEveryExample: Bool)] =
            switch recipe.method {
            case .targetedRemoval: [(TokenBatch(records.forget + records.keep), true), (TokenBatch(records.retain), false)]
            case .removal, .forgetting: [(TokenBatch(records.retain + records.keep + records.forget), true)]
            }
        var (smallest, peak) = (0, 0)
        for sweep in sweeps {
            smallest = max(smallest, MemoryBudget.smallest(model, sweep.batch, needsEveryExample: sweep.needsEveryExample))
        }
        try budget.check(smallest: smallest)
        for sweep in sweeps {
            peak = max(peak, try budget.plan(model, sweep.batch, scratch: scratch, needsEveryExample: sweep.needsEveryExample).plannedPeak)
        }
        plannedPeak = peak
    }

    /// Bytes of scratch files that hold one number a parameter; kept layer inputs come on top where memory is short.
    package var scratchBytes: Int {
        let stores =
            switch recipe.method {
            case .targetedRemoval: 4
            case .removal: 2
            case .forgetting: 3
            }
        return stores * 4 * parameterCount
    }

    /// Finds the edit. The model is left as it was; `progress` hears what is being done.
    package func run(progress: (String) -> Void) throws -> EditOutcome {
        switch recipe.method {
        case .targetedRemoval: try TargetedRemoval(self).run(progress: progress)
        case .removal: try FisherRemoval(self).run(from: store(), progress: progress)
        case .forgetting: try FisherForgetting(self).run(progress: progress)
        }
    }

    /// How many numbers the parameters that may change hold.
    package var parameterCount: Int { parameters.reduce(0) { $0 + (model.checkpoint.tensor(named: $1)?.elementCount ?? 0) } }

    /// A number for each of them, all zeros.
    func store() throws -> ParameterStore { try ParameterStore(model, parameters, in: scratch) }

    /// The tap, shown nothing else.
    func selected(_ tap: any GradientTap) -> any GradientTap { SelectedParameters(parameters, for: tap) }

    /// A sweep over a batch, forward and backward, within the budget.
    func sweep(_ batch: TokenBatch, needsEveryExample: Bool) throws -> LayerSweep {
        try LayerSweep(model, batch, plan: try budget.plan(model, batch, scratch: scratch, needsEveryExample: needsEveryExample))
    }
}
