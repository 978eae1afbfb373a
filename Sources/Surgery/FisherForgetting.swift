internal import Transformer

/// Fisher Forgetting (Gu et al., arXiv 2403.10557): theta' = theta + eta F^-1 v + tau F^(-1/4) z. The noise is made where the model
/// is unedited. With a fixed strength so is the removal, and the two are added; with an automatic one the removal's rounds go on
/// from the noisy model until the forget loss reaches its target; without one (eta = 0) there is noise only.
struct FisherForgetting {
    private var plan: EditPlan
    private let curvature: any Curvature

    init(_ plan: EditPlan, _ curvature: any Curvature) {
        self.plan = plan
        self.curvature = curvature
        // One round, before the noise: there is nothing to go on from.
        if case .fixed = plan.recipe.strength { self.plan.journal = nil }
    }

    /// Finds the edit.
    func run() throws -> EditOutcome {
        let start = EditRounds.Beginning(change: try plan.sweeps.store())
        switch plan.recipe.strength {
        case .automatic: return try plan.removal(curvature).run(from: shaken(start))
        case .fixed(0): return try plan.removal(curvature).run(from: shaken(start), rounds: 0)
        case .fixed:
            let removed = try plan.removal(curvature).run(from: start).end
            return try plan.removal(curvature).run(from: shaken(removed), rounds: 0)
        }
    }

    /// The noise added to what has been changed before, as one round more.
    private func shaken(_ before: EditRounds.Beginning) throws -> EditRounds.Beginning {
        plan.sweeps.begins("noise of F^(-1/4)", passes: 6)
        let (recipe, base) = (plan.recipe, plan.sweeps.weights())
        let noise = try plan.sweeps.store()
        var sweep = try plan.sweeps.rows(plan.rows, after: curvature.companions)
        _ = try sweep.score(from: base)
        try curvature.noise(Noise(tau: recipe.noise, seed: recipe.seed), &sweep, from: base, into: noise)

        let examples = plan.records.watched + plan.rows
        let tap = ChangeEffect(noise, examples: examples.count)
        _ = try plan.sweeps.gradients(of: examples) { back in try back(tap) }
        let effect = tap.effect
        let losses = try plan.sweeps.losses(examples, from: plan.sweeps.weights(sum: before.change))
        try before.change.add(noise, scale: 1)
        let reached = try plan.sweeps.losses(examples, from: plan.sweeps.weights(sum: before.change))
        let first = plan.records.watched.count
        let (retain, forget) = (0..<first, first..<first + plan.records.forget.count)
        let keep = forget.upperBound..<forget.upperBound + plan.records.keep.count
        let round = EditRound(
            forgetPredicted: mean(losses[forget]) + mean(effect[forget]), forget: mean(reached[forget]),
            keep: keep.isEmpty ? nil : mean(reached[keep]), retainPredicted: mean(losses[retain]) + mean(effect[retain]),
            retain: mean(reached[retain]), step: recipe.noise)
        let predicted = effect[first...].enumerated().map { (before.predicted.isEmpty ? 0 : before.predicted[$0.offset]) + $0.element }
        return EditRounds.Beginning(change: before.change, predicted: predicted, rounds: before.rounds + [round])
    }
}
