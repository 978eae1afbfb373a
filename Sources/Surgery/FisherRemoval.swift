internal import Checkpoints
internal import Storage
internal import SystemPackage
internal import Transformer

/// Fisher Removal (Gu et al., arXiv 2403.10557): theta' = theta + eta F^-1 v, v the mean gradient of the forget records, F
/// the damped empirical Fisher of the retain and kept records: F^-1 A^T c with a row for each forget record and c = 1/n.
///
/// With an automatic strength, rounds of direction and step go on until the forget loss reaches its target.
struct FisherRemoval: Sendable {
    /// A round is to raise the forget loss by this part of the target.
    private static let partsOfTheWay = 8.0
    /// What counts as having reached what a round wanted.
    private static let reached = 0.97...1.05
    private static let mostCandidates = 14
    private static let tolerance = 0.05

    private let plan: EditPlan
    private var model: LanguageModel { plan.model }
    private var recipe: EditRecipe { plan.recipe }
    private var records: EditRecords { plan.records }

    init(_ plan: EditPlan) { self.plan = plan }

    /// Finds the edit, from a change on that has been made already and that its steps are added to. `progress` hears what is being
    /// done.
    func run(from change: ParameterStore, _ curvature: any Curvature, progress: (String) -> Void) throws -> EditOutcome {
        let direction = try plan.store()
        let kept = records.retain.count..<records.retain.count + records.keep.count
        let share = [Double](repeating: 1 / Double(records.forget.count), count: records.forget.count)
        let watched = TokenBatch(records.forget)
        var sweep = try plan.rowSweep(curvature, records.forget)
        var forgetSweep = try LayerSweep(model, watched, plan: .forward)

        var rounds: [EditRound] = []
        var ending = EditOutcome.Ending.roundsUsed
        var losses = try losses(&sweep, from: EditedWeights(model.checkpoint, sum: change))
        while rounds.count < recipe.rounds {
            let now = mean(losses.forget)
            if case .automatic = recipe.strength, now >= recipe.target - Self.tolerance { ending = .targetReached; break }
            progress("round \(rounds.count + 1): forget loss \(rounded(now)) of \(rounded(recipe.target))")
            let effect = try curvature.direction(
                share, &sweep, from: EditedWeights(model.checkpoint, sum: change), into: direction)
            let slope = effect.onRows
            let eta: Double
            switch recipe.strength {
            case .fixed(let value): eta = value
            case .automatic:
                let wanted = min(recipe.target, now + recipe.target / Self.partsOfTheWay)
                guard slope > 0,
                    let found = try search(
                        from: (wanted - now) / slope, wanted: wanted,
                        { eta in
                            let candidate = EditedWeights(model.checkpoint, sum: change, step: direction, scale: Float(eta))
                            return mean(try forgetSweep.score(from: candidate).meanLosses(watched))
                        })
                else { return EditOutcome(rounds: rounds, ending: .noAcceptableStep, change: change) }
                eta = found
            }
            try change.add(direction, scale: Float(eta))
            let before = mean(losses.known)
            losses = try self.losses(&sweep, from: EditedWeights(model.checkpoint, sum: change))
            rounds.append(
                EditRound(
                    forgetPredicted: now + eta * slope, forget: mean(losses.forget), keep: kept.isEmpty ? nil : mean(losses.known[kept]),
                    retainPredicted: before + eta * effect.onRetain, retain: mean(losses.known), step: eta))
        }
        if case .automatic = recipe.strength, mean(losses.forget) >= recipe.target - Self.tolerance { ending = .targetReached }
        return EditOutcome(rounds: rounds, ending: ending, change: change)
    }

    /// Mean losses of the retain and kept records, and of those to forget.
    private func losses(_ sweep: inout RowSweep, from weights: any WeightSource) throws -> (known: [Double], forget: [Double]) {
        let losses = try sweep.score(from: weights)
        let known = losses.companions.isEmpty ? try plan.losses(records.retain + records.keep, from: weights) : losses.companions
        return (known, losses.rows)
    }

    /// An eta with which the forget loss comes to what is wanted: doubling until it is passed, then halving the interval.
    /// The last candidate where none comes close enough; nil where a loss is not a number.
    private func search(from first: Double, wanted: Double, _ loss: (Double) throws -> Double) throws -> Double? {
        var eta = first
        var (low, high) = (0.0, Double?.none)
        for _ in 0..<Self.mostCandidates {
            let got = try loss(eta)
            if got.isNaN || got > Self.reached.upperBound * wanted {
                high = eta
            } else if got < Self.reached.lowerBound * wanted {
                low = eta
            } else {
                return eta
            }
            eta = high.map { (low + $0) / 2 } ?? 2 * eta
        }
        return low > 0 ? low : nil
    }
}
