internal import Transformer

/// Fisher Forgetting (Gu et al., arXiv 2403.10557): theta' = theta + eta F^-1 v + tau F^(-1/4) z. The noise is made where the model
/// is unedited. With a fixed strength so is the removal, and the two are added; with an automatic one the removal's rounds go on
/// from the noisy model until the forget loss reaches its target; without one (eta = 0) there is noise only.
struct FisherForgetting {
    private var plan: EditPlan
    private let curvature: any Curvature
    private let removal: FisherRemoval

    init(_ plan: EditPlan, _ curvature: any Curvature, _ removal: FisherRemoval) {
        (self.plan, self.curvature, self.removal) = (plan, curvature, removal)
        // One round, before the noise: there is nothing to go on from.
        if case .fixed = plan.recipe.strength { self.plan.journal = nil }
    }

    /// Finds the edit.
    func run() throws -> EditOutcome {
        let start = EditRounds.Beginning(change: try plan.sweeps.store())
        switch plan.recipe.strength {
        case .automatic: return try rounds.run(from: shaken(start))
        case .fixed(0): return try rounds.run(from: shaken(start), rounds: 0)
        case .fixed:
            let removed = try rounds.run(from: start).end
            return try rounds.run(from: shaken(removed), rounds: 0)
        }
    }

    private var rounds: EditRounds { EditRounds(plan, curvature, removal) }

    /// The noise added to what has been changed before, as one round more.
    private func shaken(_ before: EditRounds.Beginning) throws -> EditRounds.Beginning {
        plan.sweeps.begins("noise of F^(-1/4)", passes: 6, fromTokens: 4)
        let noise = try noise()
        let examples = plan.records.watched + plan.rows.examples
        let tap = ChangeEffect(noise, examples: examples.count)
        try plan.sweeps.gradients(of: examples) { back in try back(tap) }
        let effect = tap.effect
        let losses = try plan.sweeps.losses(examples, from: plan.sweeps.weights(sum: before.change))
        try before.change.add(noise, scale: 1)
        let reached = try plan.sweeps.losses(examples, from: plan.sweeps.weights(sum: before.change))
        let first = plan.records.watched.count
        let keep = plan.rows.keep
        func rows(_ values: [Double]) -> [Double] { Array(values[first...]) }
        let round = EditRound(
            forgetPredicted: plan.rows.forgetMean(rows(losses)) + plan.rows.forgetMean(rows(effect)),
            forget: plan.rows.forgetMean(rows(reached)), keep: keep.isEmpty ? nil : mean(rows(reached)[keep]),
            retainPredicted: mean(losses[..<first]) + mean(effect[..<first]), retain: mean(reached[..<first]), step: plan.recipe.noise)
        let predicted = effect[first...].enumerated().map { (before.predicted.isEmpty ? 0 : before.predicted[$0.offset]) + $0.element }
        return EditRounds.Beginning(change: before.change, predicted: predicted, rounds: before.rounds + [round])
    }

    /// tau F^(-1/4) z; what the sweep kept is given back before the next one's.
    private func noise() throws -> ParameterStore {
        let (recipe, base, noise) = (plan.recipe, plan.sweeps.weights(), try plan.sweeps.store())
        var sweep = try plan.sweeps.rows(plan.rows.examples, after: curvature.companions)
        _ = try sweep.score(from: base)
        try curvature.noise(Noise(tau: recipe.noise, seed: recipe.seed), &sweep, from: base, into: noise)
        return noise
    }
}
