internal import Glibc
internal import Transformer

/// The rounds of an edit: a step by the curvature and the method's rule, how far to go along it, and again from where it led, until the
/// method is done with it.
///
/// The retain text's perplexity has a bound. Where a step leads beyond it, the most of the step that does not is the edit; the rounds go
/// on without it, to tell what reaching the target would cost.
struct EditRounds {
    private let plan: EditPlan
    private let curvature: any Curvature
    private let rule: any StepRule
    private let rows: ExampleLosses
    private let watched: ExampleLosses

    /// Multiples of a step that leads beyond the bound which are tried instead.
    private static let partsOfAStep = [0.25, 0.5, 0.75]
    /// Passes through the model that a round mostly takes: back for the Gram matrix and for the step, forward for the rows and the
    /// retain text.
    private static let passes = 4

    init(_ plan: EditPlan, _ curvature: any Curvature, _ rule: any StepRule) {
        (self.plan, self.curvature, self.rule) = (plan, curvature, rule)
        (rows, watched) = (plan.sweeps.losses(of: plan.rows.examples), plan.sweeps.losses(of: plan.records.watched))
    }

    /// What has been done before the rounds begin.
    struct Beginning {
        let change: ParameterStore
        /// First-order changes of the rows' losses by it; none where nothing has been done.
        var predicted: [Double] = []
        var rounds: [EditRound] = []
    }

    /// Finds the edit, in at most `most` rounds from what has been done before, or from where the plan's journal says that they were cut
    /// off.
    func run(from beginning: Beginning, rounds most: Int? = nil) throws -> EditOutcome {
        let step = try plan.sweeps.store()
        var sweep = try plan.sweeps.rows(plan.rows.examples, after: curvature.companions)
        var state: EditState
        if let saved = try plan.journal?.restored(plan) {
            state = saved
            if !rule.isDone(state.losses) { _ = try sweep.score(from: plan.sweeps.weights(sum: state.change)) }
        } else {
            state = try begin(beginning, &sweep)
        }
        let last = beginning.rounds.count + (most ?? plan.recipe.rounds)
        let pace = EditPace(plan.meter, to: rule.forgetTarget(state.losses), from: state)
        var ending = EditOutcome.Ending.roundsUsed
        while true {
            if rule.isDone(state.losses) { ending = .targetReached; break }
            if state.rounds.count >= last { break }
            plan.sweeps.begins(pace.message(state), passes: Self.passes, fromTokens: 0)
            guard try round(&state, step, &sweep) else { ending = .noAcceptableStep; break }
            try plan.journal?.save(state)
        }
        return EditOutcome(
            plan, target: rule.forgetTarget(state.losses), rounds: state.rounds, ending: ending, end: state.point, allowed: state.allowed,
            unedited: state.unedited)
    }

    /// Measures what has been done before.
    private func begin(_ beginning: Beginning, _ sweep: inout RowSweep) throws -> EditState {
        let (change, isFresh) = (beginning.change, beginning.rounds.isEmpty)
        plan.sweeps.begins("the losses before", passes: isFresh ? 2 : 4, fromTokens: 2)
        var losses = RowLosses(plan.rows, base: try sweep.score(from: plan.sweeps.weights()).rows)
        let none = losses
        let unedited = try retainLoss(from: plan.sweeps.weights())
        var retain = unedited
        if !isFresh {
            losses.move(to: try sweep.score(from: plan.sweeps.weights(sum: change)).rows, predicted: beginning.predicted)
            retain = try retainLoss(from: plan.sweeps.weights(sum: change))
        }
        var state = EditState(
            rounds: beginning.rounds, change: change, losses: losses, retain: retain, predictedRetain: retain, unedited: unedited)
        // Where what was done before already leads beyond the bound, no edit is allowed.
        if !isWithin(retain, unedited) {
            state.allowed = EditOutcome.Point(change: try plan.sweeps.store(), losses: none, retain: unedited)
        }
        return state
    }

    /// One round. False where there is no step that does what is wanted.
    private func round(_ state: inout EditState, _ step: ParameterStore, _ sweep: inout RowSweep) throws -> Bool {
        let weights = plan.sweeps.weights(sum: state.change)
        let gram = try curvature.gram(&sweep, from: weights)
        guard let coefficients = rule.coefficients(gram, state.losses) else { return false }
        let effect = gram.times(coefficients)
        guard let search = rule.search(effect, state.losses) else { return false }
        let retainChange = try curvature.step(coefficients, &sweep, from: weights, into: step)
        guard let (scale, reached) = try go(search, state.change, step, &sweep) else { return false }

        let reachedRetain = try retainLoss(from: plan.sweeps.weights(sum: state.change, step: step, scale: scale))
        if state.allowed == nil && !isWithin(reachedRetain, state.unedited) { state.allowed = try mostAllowed(state, step, scale: scale) }
        try state.change.add(step, scale: Float(scale))
        let before = state.losses.meanForget
        state.losses.move(to: reached, predicted: effect.map { scale * $0 })
        state.retain = reachedRetain
        state.predictedRetain += scale * retainChange
        state.rounds.append(
            EditRound(
                forgetPredicted: before + scale * plan.rows.forgetMean(effect), forget: state.losses.meanForget,
                keep: state.losses.meanKeep, retainPredicted: state.predictedRetain, retain: state.retain, step: scale,
                isAllowed: state.allowed == nil))
        return true
    }

    /// The multiple of the step that the search settles on, and the rows' losses there; nil where it finds none. The sweep has been
    /// scored there.
    private func go(
        _ search: StepSearch, _ change: ParameterStore, _ step: ParameterStore, _ sweep: inout RowSweep
    ) throws -> (scale: Double, losses: [Double])? {
        func weights(_ scale: Double) -> MeteredWeights { plan.sweeps.weights(sum: change, step: step, scale: scale) }
        let first = try sweep.score(from: weights(search.first)).rows
        let verdict = search.judge(first)
        if verdict == .good { return (search.first, first) }
        let found = try search.refine(verdict) { try rows.means(fromEach: $0.map(weights)) }
        guard let found else { return nil }
        return (found, try sweep.score(from: weights(found)).rows)
    }

    /// What of a step that leads beyond the bound does not: the largest part tried, or nothing of it.
    private func mostAllowed(_ state: EditState, _ step: ParameterStore, scale: Double) throws -> EditOutcome.Point {
        let kept = try plan.sweeps.store()
        try kept.add(state.change, scale: 1)
        func weights(_ part: Double) -> MeteredWeights { plan.sweeps.weights(sum: state.change, step: step, scale: part * scale) }
        let retained = try watched.means(fromEach: Self.partsOfAStep.map(weights)).map { mean($0) }
        guard let (part, loss) = zip(Self.partsOfAStep, retained).reversed().first(where: { isWithin($1, state.unedited) }) else {
            return EditOutcome.Point(change: kept, losses: state.losses, retain: state.retain)
        }
        try kept.add(step, scale: Float(part * scale))
        var there = state.losses
        there.move(to: try rows.means(from: weights(part)), predicted: [])
        return EditOutcome.Point(change: kept, losses: there, retain: loss)
    }

    /// The watched retain records' mean loss.
    private func retainLoss(from weights: MeteredWeights) throws -> Double { try mean(watched.means(from: weights)) }

    /// Whether the retain perplexity is within its bound: false also where it is no number.
    private func isWithin(_ loss: Double, _ unedited: Double) -> Bool { exp(loss - unedited) <= 1 + plan.recipe.retainBound }
}
