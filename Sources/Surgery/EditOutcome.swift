internal import Glibc

/// One round of an edit: mean losses (nats a token, the mean over records of each record's mean), as first-order theory
/// predicted them and as they were measured after the step.
package struct EditRound: Sendable {
    package var forgetPredicted: Double
    package var forget: Double
    package var keep: Double?
    package var retainPredicted: Double
    package var retain: Double
    /// What the direction was multiplied by.
    package var step: Double
    /// Whether the retain text was still within its bound after it.
    package var isAllowed = true
}

/// What an edit did: its rounds, the sum of its steps, and why it ended.
package struct EditOutcome: Sendable {
    package enum Ending: String, Sendable {
        case targetReached = "target-reached"
        case roundsUsed = "rounds-used"
        case noAcceptableStep = "no-acceptable-step"
        /// The target could not be reached with the retain text within its bound.
        case retainBound = "retain-bound"
    }

    /// A place that the rounds came to.
    struct Point: Sendable {
        let change: ParameterStore
        let losses: RowLosses
        /// The watched retain records' mean loss.
        let retain: Double
    }

    /// A record's mean loss: by the unedited model, as the sum of the steps' first-order effects has it, and measured.
    package struct Record: Sendable {
        package enum Role: String, Sendable { case forget, keep, held }

        package let role: Role
        package let base: Double
        package let predicted: Double
        package let measured: Double
    }

    /// A pair of losses that can be had together: the forget records' mean loss, and the retain text's perplexity relative to the
    /// unedited model's.
    package struct Tradeoff: Sendable {
        package let forget: Double
        package let retainRatio: Double
    }

    package let rounds: [EditRound]
    package let ending: Ending
    /// The edit: the sum of its steps, within the retain bound.
    package let change: ParameterStore
    /// Whether it changes anything.
    package let isEdited: Bool
    /// The parameters that it may have changed, and how many of their entries.
    package let parameters: [String]
    package let entries: Int
    /// Every record that the edit watched, those to forget first.
    package let records: [Record]
    /// How far can be gone within the retain bound, and what going on was seen to cost; nil where the bound was kept.
    package let frontier: (within: Tradeoff, beyond: Tradeoff)?

    /// Where the rounds ended, within the bound or not: what more can be done from.
    let end: EditRounds.Beginning

    /// - Parameters:
    ///   - end: where the rounds ended.
    ///   - allowed: the last place within the retain bound, where it was left.
    ///   - unedited: the watched retain records' mean loss by the unedited model.
    init(_ plan: EditPlan, rounds: [EditRound], ending: Ending, end: Point, allowed: Point?, unedited: Double) {
        (parameters, entries) = (plan.selected.changing, plan.entries)
        self.rounds = rounds
        self.ending = allowed == nil ? ending : .retainBound
        let point = allowed ?? end
        let losses = point.losses
        change = point.change
        isEdited = !rounds.isEmpty && losses.now != losses.base
        let roles = losses.forget.map { _ in Record.Role.forget } + losses.keep.map { _ in .keep } + losses.held.map { _ in .held }
        records = roles.indices.map {
            Record(role: roles[$0], base: losses.base[$0], predicted: losses.predicted[$0], measured: losses.now[$0])
        }
        func tradeoff(_ point: Point) -> Tradeoff { Tradeoff(forget: point.losses.meanForget, retainRatio: exp(point.retain - unedited)) }
        frontier = allowed.map { (tradeoff($0), tradeoff(end)) }
        self.end = EditRounds.Beginning(
            change: end.change, predicted: zip(end.losses.predicted, end.losses.base).map { $0 - $1 }, rounds: rounds)
    }

    /// Whether the edit did what it was to do within its bound: with a fixed strength, that there was no more to do.
    package func meets(_ strength: EditRecipe.Strength) -> Bool {
        if case .fixed = strength { ending == .roundsUsed || ending == .targetReached } else { ending == .targetReached }
    }
}
