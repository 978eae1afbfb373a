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
        progress("noise of F^(-1/4)")
        let noise = try plan.store()
        let first = try shake(into: noise)
        switch plan.recipe.strength {
        case .fixed(0):
            return EditOutcome(rounds: [first], ending: .roundsUsed, change: noise)
        case .fixed:
            var outcome = try FisherRemoval(plan).run(from: plan.store(), progress: progress)
            try outcome.change.add(noise, scale: 1)
            outcome.rounds.append(try measured(outcome.change, after: outcome.rounds.last, effect: first))
            return outcome
        case .automatic:
            var outcome = try FisherRemoval(plan).run(from: noise, progress: progress)
            outcome.rounds.insert(first, at: 0)
            return outcome
        }
    }

    /// Makes the noise; the round that it is, predicted and measured, its step being tau.
    private func shake(into noise: ParameterStore) throws -> EditRound {
        let known = records.retain + records.keep
        let batch = TokenBatch(known + records.forget)
        var sweep = try plan.sweep(batch, needsEveryExample: true)
        let losses = try sweep.scoreKeeping(from: model.checkpoint).meanLosses(batch)
        let tap = FisherNoise(
            model, examples: losses.count, retain: known.count, block: plan.recipe.block, rho: plan.recipe.damping,
            tau: plan.recipe.noise, seed: plan.recipe.seed, into: noise)
        try sweep.backward(from: model.checkpoint, tap: plan.selected(tap))
        let after = try sweep.scoreKeeping(from: EditedWeights(model.checkpoint, sum: noise)).meanLosses(batch)
        let (retain, kept, forget) = (0..<known.count, records.retain.count..<known.count, known.count..<losses.count)
        return EditRound(
            forgetPredicted: mean(losses[forget]) + mean(tap.effect[forget]), forget: mean(after[forget]),
            keep: kept.isEmpty ? nil : mean(after[kept]), retainPredicted: mean(losses[retain]) + mean(tap.effect[retain]),
            retain: mean(after[retain]), step: plan.recipe.noise)
    }

    /// The noise as a round that follows another: the removal's losses and the noise's own effect predict the sum.
    private func measured(_ change: ParameterStore, after last: EditRound?, effect noise: EditRound) throws -> EditRound {
        let known = records.retain + records.keep
        let batch = TokenBatch(known + records.forget)
        var sweep = try LayerSweep(model, batch, plan: .forward)
        let before = try sweep.score(from: model.checkpoint).meanLosses(batch)
        let after = try sweep.score(from: EditedWeights(model.checkpoint, sum: change)).meanLosses(batch)
        let (retain, kept, forget) = (0..<known.count, records.retain.count..<known.count, known.count..<before.count)
        return EditRound(
            forgetPredicted: (last?.forget ?? 0) + noise.forgetPredicted - mean(before[forget]), forget: mean(after[forget]),
            keep: kept.isEmpty ? nil : mean(after[kept]),
            retainPredicted: (last?.retain ?? 0) + noise.retainPredicted - mean(before[retain]), retain: mean(after[retain]),
            step: plan.recipe.noise)
    }
}
