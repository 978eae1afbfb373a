internal import Checkpoints
internal import Storage
internal import SystemPackage
internal import Tensors
internal import Transformer

/// Targeted Fisher Removal (DESIGN, section 3): among all steps that change each record's loss by what is asked of it, the
/// cheapest in the Fisher metric of the retain text,
///
///     minimise 1/2 step^T F step   subject to   A step = y
///     step = F^-1 A^T (A F^-1 A^T + mu S)^-1 y,   S = diag(A F^-1 A^T)
///
/// A: one row a forget or kept record, its gradient now; y: for a forget record an equal share of the way to the target, or
/// what is left of it, and nothing once it is there; for a kept one the way back to its unedited loss. Repeated from where
/// each step led.
struct TargetedRemoval: Sendable {
    /// mu: how much of each record's own row is given up to keep the system well-posed.
    private static let relaxation = 1e-3
    /// The edit ends when the forget records' mean loss is this close to the target.
    private static let tolerance = 0.05
    /// A step is halved while kept records are this much worse than they were, or forget records rise thrice what was asked.
    private static let keptSlack = 0.3
    private static let mostHalvings = 7
    /// The way to the target is asked for in this many equal parts.
    private static let partsOfTheWay = 12.0
    /// Retain records measured after every round.
    private static let watchedRetainRecords = 16

    private let plan: EditPlan
    private var model: LanguageModel { plan.model }
    private var recipe: EditRecipe { plan.recipe }
    private var records: EditRecords { plan.records }

    init(_ plan: EditPlan) { self.plan = plan }

    /// Finds the edit. `progress` hears what is being done.
    func run(progress: (String) -> Void) throws -> EditOutcome {
        let change = try plan.store()
        let step = try plan.store()
        let curvature = try plan.curvature(of: records.retain, progress)
        let retain = Array(records.retain.prefix(Self.watchedRetainRecords))
        var sweep = try plan.rowSweep(curvature, records.forget + records.keep)
        var losses = try sweep.score(from: model.checkpoint).rows
        let base = losses
        let forget = 0..<records.forget.count
        let keep = forget.upperBound..<losses.count
        var retainLoss = try mean(plan.losses(retain, from: model.checkpoint))
        let initialRetainLoss = retainLoss

        var rounds: [EditRound] = []
        var ending = EditOutcome.Ending.roundsUsed
        var predictedRetain = 0.0
        while true {
            let now = mean(losses[forget])
            if now >= recipe.target - Self.tolerance { ending = .targetReached; break }
            if rounds.count == recipe.rounds { break }
            progress("round \(rounds.count + 1): forget loss \(rounded(now)) of \(rounded(recipe.target))")
            let current = EditedWeights(model.checkpoint, sum: change)
            let wanted = asked(losses, base, forget: forget)
            let gram = try curvature.gram(&sweep, from: current)
            guard let coefficients = solve(gram, wanted) else { ending = .noAcceptableStep; break }
            let predicted = try curvature.step(coefficients, &sweep, from: current, into: step)

            let rise = mean(wanted[forget])
            var scale = 1.0
            var accepted: [Double]?
            for _ in 0..<Self.mostHalvings {
                let candidate = EditedWeights(model.checkpoint, sum: change, step: step, scale: Float(scale))
                let reached = try sweep.score(from: candidate).rows
                let keptIsFine = keep.isEmpty || mean(reached[keep]) <= max(mean(losses[keep]), mean(base[keep]) + Self.keptSlack)
                if keptIsFine && mean(reached[forget]) <= now + 3 * rise { accepted = reached; break }
                scale /= 2
            }
            guard let accepted else { ending = .noAcceptableStep; break }
            try change.add(step, scale: Float(scale))
            let effect = gram.times(coefficients)
            losses = accepted
            predictedRetain += scale * predicted.onRetain
            retainLoss = try mean(plan.losses(retain, from: EditedWeights(model.checkpoint, sum: change)))
            rounds.append(
                EditRound(
                    forgetPredicted: now + scale * mean(effect[forget]), forget: mean(losses[forget]),
                    keep: keep.isEmpty ? nil : mean(losses[keep]), retainPredicted: initialRetainLoss + predictedRetain, retain: retainLoss,
                    step: scale))
        }
        return EditOutcome(rounds: rounds, ending: ending, change: change)
    }

    /// y: what each record's loss is to change by in this round.
    private func asked(_ losses: [Double], _ base: [Double], forget: Range<Int>) -> [Double] {
        let part = recipe.target / Self.partsOfTheWay
        return losses.indices.map { index in
            if forget.contains(index) { min(part, max(0, recipe.target - losses[index])) } else { base[index] - losses[index] }
        }
    }

    /// (K + mu S)^-1 y, scaled to a unit diagonal before it is solved: records' gradients differ by orders of magnitude.
    private func solve(_ gram: GramMatrix, _ wanted: [Double]) -> [Double]? {
        let scales = gram.diagonal.map { $0 > 0 ? 1 / $0.squareRoot() : 0 }
        let count = gram.count
        var system = (0..<count * count).map { scales[$0 / count] * gram.values[$0] * scales[$0 % count] }
        for index in 0..<count { system[index * count + index] += scales[index] > 0 ? Self.relaxation : 1 }
        guard let solution = LinearAlgebra.solve(system, zip(scales, wanted).map { $0 * $1 }) else { return nil }
        return zip(scales, solution).map { $0 * $1 }
    }
}

/// The mean, in Double.
func mean(_ values: some Collection<Double>) -> Double { values.reduce(0, +) / Double(max(1, values.count)) }

/// Three decimals, for a person's eyes.
func rounded(_ value: Double) -> String { "\((value * 1000).rounded() / 1000)" }
