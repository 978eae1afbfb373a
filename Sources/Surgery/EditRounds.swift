internal import Checkpoints
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
    private let base: Checkpoint

    /// Multiples of a step that leads beyond the bound which are tried instead.
    private static let partsOfAStep = [0.25, 0.5, 0.75]

    init(_ plan: EditPlan, _ curvature: any Curvature, _ rule: any StepRule) {
        (self.plan, self.curvature, self.rule, base) = (plan, curvature, rule, plan.model.checkpoint)
    }

    /// What has been done before the rounds begin.
    struct Beginning {
        let change: ParameterStore
        /// First-order changes of the rows' losses by it; none where nothing has been done.
        var predicted: [Double] = []
        var rounds: [EditRound] = []
    }

    /// Finds the edit, in at most `most` rounds from what has been done before. `progress` hears what is being done.
    func run(from beginning: Beginning, rounds most: Int? = nil, progress: (String) -> Void) throws -> EditOutcome {
        let change = beginning.change
        let step = try plan.store()
        var sweep = try plan.rowSweep(curvature)
        let rowsUnedited = try sweep.score(from: base).rows
        var losses = RowLosses(plan.records, base: rowsUnedited)
        losses.move(to: try sweep.score(from: EditedWeights(base, sum: change)).rows, predicted: beginning.predicted)
        let unedited = try plan.retainLoss(from: base)
        var retain = try plan.retainLoss(from: EditedWeights(base, sum: change))
        var predictedRetain = retain
        // Where what was done before already leads beyond the bound, no edit is allowed.
        var allowed: EditOutcome.Point?
        if !isWithin(retain, unedited) {
            let none = RowLosses(plan.records, base: rowsUnedited)
            allowed = EditOutcome.Point(change: try plan.store(), losses: none, retain: unedited)
        }

        var rounds = beginning.rounds
        let last = rounds.count + (most ?? plan.recipe.rounds)
        var ending = EditOutcome.Ending.roundsUsed
        while true {
            if rule.isDone(losses) { ending = .targetReached; break }
            if rounds.count == last { break }
            progress(message(rounds.count + 1, losses, isBeyond: allowed != nil))
            let weights = EditedWeights(base, sum: change)
            let gram = try curvature.gram(&sweep, from: weights)
            guard let coefficients = rule.coefficients(gram, losses) else { ending = .noAcceptableStep; break }
            let effect = gram.times(coefficients)
            guard let search = rule.search(effect, losses) else { ending = .noAcceptableStep; break }
            let retainChange = try curvature.step(coefficients, &sweep, from: weights, into: step)
            guard let (scale, reached) = try go(search, change, step, &sweep) else { ending = .noAcceptableStep; break }

            let reachedRetain = try plan.retainLoss(from: EditedWeights(base, sum: change, step: step, scale: Float(scale)))
            if allowed == nil && !isWithin(reachedRetain, unedited) {
                allowed = try mostAllowed(change, step, scale: scale, losses, retain: retain, unedited)
            }
            try change.add(step, scale: Float(scale))
            let before = losses.meanForget
            losses.move(to: reached, predicted: effect.map { scale * $0 })
            retain = reachedRetain
            predictedRetain += scale * retainChange
            rounds.append(
                EditRound(
                    forgetPredicted: before + scale * mean(effect[losses.forget]), forget: losses.meanForget, keep: losses.meanKeep,
                    retainPredicted: predictedRetain, retain: retain, step: scale, isAllowed: allowed == nil))
        }
        let end = EditOutcome.Point(change: change, losses: losses, retain: retain)
        return EditOutcome(rounds: rounds, ending: ending, end: end, allowed: allowed, unedited: unedited)
    }

    /// The multiple of the step that the search settles on, and the rows' losses there; nil where it finds none. The sweep has been
    /// scored there.
    private func go(
        _ search: StepSearch, _ change: ParameterStore, _ step: ParameterStore, _ sweep: inout RowSweep
    ) throws -> (scale: Double, losses: [Double])? {
        func weights(_ scale: Double) -> EditedWeights { EditedWeights(base, sum: change, step: step, scale: Float(scale)) }
        let first = try sweep.score(from: weights(search.first)).rows
        let verdict = search.judge(first)
        if verdict == .good { return (search.first, first) }
        let found = try search.refine(verdict) { try plan.losses(plan.rows, fromEach: $0.map(weights)) }
        guard let found else { return nil }
        return (found, try sweep.score(from: weights(found)).rows)
    }

    /// What of a step that leads beyond the bound does not: the largest part tried, or nothing of it.
    private func mostAllowed(
        _ change: ParameterStore, _ step: ParameterStore, scale: Double, _ losses: RowLosses, retain: Double, _ unedited: Double
    ) throws -> EditOutcome.Point {
        let kept = try plan.store()
        try kept.add(change, scale: 1)
        func weights(_ part: Double) -> EditedWeights { EditedWeights(base, sum: change, step: step, scale: Float(part * scale)) }
        let retained = try plan.losses(plan.records.watched, fromEach: Self.partsOfAStep.map(weights)).map { mean($0) }
        guard let (part, loss) = zip(Self.partsOfAStep, retained).reversed().first(where: { isWithin($1, unedited) }) else {
            return EditOutcome.Point(change: kept, losses: losses, retain: retain)
        }
        try kept.add(step, scale: Float(part * scale))
        var there = losses
        there.move(to: try plan.losses(plan.rows, from: weights(part)), predicted: [])
        return EditOutcome.Point(change: kept, losses: there, retain: loss)
    }

    /// Whether the retain perplexity is within its bound: false also where it is no number.
    private func isWithin(_ loss: Double, _ unedited: Double) -> Bool { exp(loss - unedited) <= 1 + plan.recipe.retainBound }

    private func message(_ round: Int, _ losses: RowLosses, isBeyond: Bool) -> String {
        "round \(round): forget loss \(rounded(losses.meanForget)) of \(rounded(plan.recipe.target))"
            + (isBeyond ? ", beyond the retain bound, to see what the target would cost" : "")
    }
}

/// Three decimals, for a person's eyes.
func rounded(_ value: Double) -> String { "\((value * 1000).rounded() / 1000)" }
