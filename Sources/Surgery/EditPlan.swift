package import Checkpoints
package import SystemPackage
package import Transformer

/// An edit that is known to fit into memory: the model, what is asked of it, the records, and the bounds it works in.
package struct EditPlan: Sendable {
    package let model: LanguageModel
    package var recipe: EditRecipe
    package let records: EditRecords
    /// What the edit is about, row by row.
    private(set) var rows: EditRows
    /// The parameters that may change, in the layout's order.
    package let parameters: [String]
    package let budget: MemoryBudget
    /// A directory on a disk with room.
    package var scratch: FilePath
    /// The most memory the edit will take, in bytes.
    package var plannedPeak: Int { memory.plannedPeak }
    private var memory: EditMemory
    /// Where rounds are kept as they end; nil: nowhere.
    package var journal: RoundsJournal?
    /// What hears how far the edit is.
    package let meter: EditMeter
    /// The layer that each tensor is of.
    private let groups: [String: String]
    /// For each parameter of which only some rows may change, which; known once the edit runs.
    private var salientRows: [String: [Bool]] = [:]

    /// Copied tokens that cost unseen text so much of what new ones do are no easier than these.
    private static let mostOfCopied = 0.5

    /// Throws `TransformerError.overBudget`, naming the smallest budget that would do, where the edit cannot be kept within this one,
    /// and `SurgeryError` where nothing is left to be changed.
    package init(
        _ model: LanguageModel, _ recipe: EditRecipe, _ records: EditRecords, budget: MemoryBudget, scratch: FilePath,
        meter: EditMeter = EditMeter()
    ) throws {
        self.model = model
        self.meter = meter
        groups = EditSweeps.layers(of: model)
        self.recipe = recipe
        self.records = records
        parameters = try recipe.selection.names(of: model)
        self.budget = budget
        self.scratch = scratch
        // Without copied tokens in the unseen text nothing is known of what they cost.
        let isSplit =
            recipe.method == .targetedRemoval && recipe.target == nil && records.unseen.contains { CopiedTokens(of: $0).copied != nil }
        // What they cost is known once the unseen text has been scored: until then both kinds are counted as rows.
        rows = EditRows(records, splitting: isSplit)
        memory = try EditMemory(model, recipe, records, rows, parameters, budget: budget, scratch: scratch)
    }

    /// Bytes of scratch files that hold numbers for each parameter; kept layer inputs come on top where memory is short.
    package var scratchBytes: Int {
        let edits = recipe.method == .forgetting ? 4 : 3
        return edits * 4 * parameterCount + CurvatureNeed(recipe.curvature, model, parameters).scratchBytes
    }

    /// Finds the edit. The model is left as it was.
    package func run() throws -> EditOutcome {
        var plan = self
        if let share = recipe.salience {
            let saliency = RowSaliency(examples: records.forget.count)
            sweeps.begins("which rows matter to the records to forget", passes: 2)
            try sweeps.gradients(of: records.forget, needsEveryExample: true) { back in try back(saliency) }
            plan.salientRows = saliency.rows(holding: share)
        }
        let target = try target()
        if target.parts == nil { try plan.joinParts() }
        return try plan.outcome(target)
    }

    /// Makes records whole again of which a part was to be a row of its own.
    private mutating func joinParts() throws {
        guard rows.parts.contains(where: \.isCopied) else { return }
        rows = EditRows(records, splitting: false)
        memory = try EditMemory(model, recipe, records, rows, parameters, budget: budget, scratch: scratch)
    }

    private func outcome(_ target: ForgetTarget) throws -> EditOutcome {
        let removal = FisherRemoval(strength: recipe.strength, target: target.whole)
        switch recipe.method {
        case .targetedRemoval:
            let rounds = EditRounds(self, try curvature(of: records.retain), TargetedRemoval(rows, target: target))
            return try rounds.run(from: EditRounds.Beginning(change: sweeps.store()))
        case .removal, .gradientAscent:
            let rounds = EditRounds(self, try curvature(of: records.retain + records.keep), removal)
            return try rounds.run(from: EditRounds.Beginning(change: sweeps.store()))
        case .forgetting:
            return try FisherForgetting(self, curvature(of: records.retain + records.keep), removal).run()
        }
    }

    /// How far to forget: as the recipe says, or what the unseen records cost the unedited model (approximate retraining).
    private func target() throws -> ForgetTarget {
        if let target = recipe.target { return ForgetTarget(target) }
        guard !records.unseen.isEmpty else { return ForgetTarget(.infinity) }
        sweeps.begins("the unseen text's loss", passes: 1)
        let whole = mean(try sweeps.losses(records.unseen, from: sweeps.weights()))
        guard rows.parts.contains(where: \.isCopied) else { return ForgetTarget(whole) }
        let split = records.unseen.map(CopiedTokens.init)
        func meanOverTokens(_ examples: [Example]) throws -> Double {
            let losses = try sweeps.losses(examples, from: sweeps.weights())
            let counts = examples.map { Double($0.scoredTokens) }
            return zip(losses, counts).reduce(0) { $0 + $1.0 * $1.1 } / counts.reduce(0, +)
        }
        let (new, copied) = (try meanOverTokens(split.compactMap(\.new)), try meanOverTokens(split.compactMap(\.copied)))
        // Where repeated tokens are as good as new, as the digits of a number are, nothing is known by copying.
        return ForgetTarget(whole, parts: copied < Self.mostOfCopied * new ? (new, copied) : nil)
    }

    /// What may change.
    var selected: SelectedParameters { SelectedParameters(parameters, rows: salientRows) }

    /// Passes through the model, within the budget.
    var sweeps: EditSweeps {
        EditSweeps(model, selected, memory, scratch: scratch, meter: meter, groups: groups)
    }

    /// F of some examples: in a forward and a backward sweep or two, but in example space, which makes it in every round.
    private func curvature(of examples: [Example]) throws -> any Curvature {
        if case .woodbury(let block) = recipe.curvature {
            return WoodburyCurvature(model.checkpoint, retain: examples, block: block, rho: recipe.damping)
        }
        sweeps.begins("Fisher of \(examples.count) retain records", passes: recipe.curvature == .ekfac ? 3 : 2)
        var made: (any StoredFisher)?
        try sweeps.gradients(of: examples) { fill in made = try fisher(of: examples.count, fill) }
        guard let made else { preconditionFailure("a Fisher was not made") }
        return StoredCurvature(made, of: model.checkpoint, parameters: parameters)
    }

    private func fisher(of count: Int, _ fill: ((any GradientTap) throws -> Void)) throws -> any StoredFisher {
        switch recipe.curvature {
        case .identity:
            let fisher = try IdentityFisher(model, parameters, examples: count, scratch: scratch)
            try fill(fisher)
            return fisher
        case .block(let size):
            let fisher = try BlockFisher(model, parameters, examples: count, size: size, rho: recipe.damping, scratch: scratch)
            try fill(fisher)
            try fisher.factor()
            return fisher
        case .diagonal, .ekfac, .woodbury:
            var bases: KroneckerBases?
            if case .ekfac = recipe.curvature {
                let found = try KroneckerBases(model, parameters, scratch: scratch)
                try fill(found)
                try found.diagonalize()
                bases = found
            }
            let fisher = try DiagonalFisher(
                model, parameters, examples: count, rho: recipe.damping, bases: bases, entries: entries, scratch: scratch)
            try fill(fisher)
            return fisher
        }
    }

    /// How many numbers may change.
    package var entries: Int { Int(parameters.reduce(0.0) { $0 + selected.share(of: $1) * Double(count(of: $1)) }) }

    /// How many numbers the parameters that may change hold.
    private var parameterCount: Int { parameters.reduce(0) { $0 + count(of: $1) } }

    private func count(of name: String) -> Int { model.checkpoint.tensor(named: name)?.elementCount ?? 0 }
}
