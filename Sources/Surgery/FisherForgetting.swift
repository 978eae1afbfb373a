internal import Checkpoints
internal import Storage
internal import SystemPackage
internal import Transformer

/// Fisher Forgetting (Gu et al., arXiv 2403.10557): theta' = theta + eta F^-1 v + tau F^(-1/4) z. The noise is made where the model
/// is unedited. With a fixed strength so is the removal, and the two are added; with an automatic one the removal's rounds go on
/// from the noisy model until the forget loss reaches its target; without one (eta = 0) there is noise only.
struct FisherForgetting: Sendable {
    private let plan: EditPlan
    private var model: LanguageModel { plan.model }
    private var records: EditRecords { plan.records }

    init(_ plan: EditPlan) { self.plan = plan }

    /// Finds the edit. `progress` hears what is being done.
    func run(progress: (String) -> Void) throws -> EditOutcome {
        let curvature = try plan.curvature(of: records.retain + records.keep, progress)
        progress("noise of F^(-1/4)")
        let noise = try plan.store()
        let first = try shake(curvature, into: noise)
        switch plan.recipe.strength {
        case .fixed(0):
            return EditOutcome(rounds: [first], ending: .roundsUsed, change: noise)
        case .fixed:
            var outcome = try FisherRemoval(plan).run(from: plan.store(), curvature, progress: progress)
            try outcome.change.add(noise, scale: 1)
            outcome.rounds.append(try measured(outcome.change, after: outcome.rounds.last, effect: first))
            return outcome
        case .automatic:
            var outcome = try FisherRemoval(plan).run(from: noise, curvature, progress: progress)
            outcome.rounds.insert(first, at: 0)
            return outcome
        }
    }

    /// Makes the noise; the round that it is, predicted and measured, its step being tau.
    private func shake(_ curvature: any Curvature, into noise: ParameterStore) throws -> EditRound {
        let known = records.retain + records.keep
        var sweep = try plan.rowSweep(curvature, records.forget)
        _ = try sweep.score(from: model.checkpoint)
        let recipe = plan.recipe
        try curvature.noise(Noise(tau: recipe.noise, seed: recipe.seed), &sweep, from: model.checkpoint, into: noise)
        let (before, effect) = try plan.effect(of: noise, on: known + records.forget)
        let after = try plan.losses(known + records.forget, from: EditedWeights(model.checkpoint, sum: noise))
        let (retain, kept, forget) = (0..<known.count, records.retain.count..<known.count, known.count..<before.count)
        return EditRound(
            forgetPredicted: mean(before[forget]) + mean(effect[forget]), forget: mean(after[forget]),
            keep: kept.isEmpty ? nil : mean(after[kept]), retainPredicted: mean(before[retain]) + mean(effect[retain]),
            retain: mean(after[retain]), step: recipe.noise)
    }

    /// The noise as a round that follows another: the removal's losses and the noise's own effect predict the sum.
    private func measured(_ change: ParameterStore, after last: EditRound?, effect noise: EditRound) throws -> EditRound {
        let known = records.retain + records.keep
        let before = try plan.losses(known + records.forget, from: model.checkpoint)
        let after = try plan.losses(known + records.forget, from: EditedWeights(model.checkpoint, sum: change))
        let (retain, kept, forget) = (0..<known.count, records.retain.count..<known.count, known.count..<before.count)
        return EditRound(
            forgetPredicted: (last?.forget ?? 0) + noise.forgetPredicted - mean(before[forget]), forget: mean(after[forget]),
            keep: kept.isEmpty ? nil : mean(after[kept]),
            retainPredicted: (last?.retain ?? 0) + noise.retainPredicted - mean(before[retain]), retain: mean(after[retain]),
            step: plan.recipe.noise)
    }
}
