/// How fast an edit gets to its target, for a person who waits.
struct EditPace {
    private let plan: EditPlan
    private let started: Double
    private let first: Double

    init(_ plan: EditPlan, from state: EditState) { (self.plan, started, first) = (plan, plan.meter.elapsed, state.losses.meanForget) }

    /// What round comes, how far the target is, and how long the way there takes at the pace so far.
    func message(_ state: EditState) -> String {
        let (now, target) = (state.losses.meanForget, plan.recipe.target)
        let beyond = state.allowed != nil ? ", beyond the retain bound, to see what the target would cost" : ""
        guard target.isFinite else { return "round \(state.rounds.count + 1): forget loss \(rounded(now))" + beyond }
        let part = (now - first) / (target - first)
        let left = (plan.meter.elapsed - started) * (1 - part) / part
        let time = part > 0 && left.isFinite && left >= 0 ? ", about \(Int(left) / 60) min \(Int(left) % 60) s left" : ""
        return "round \(state.rounds.count + 1): forget loss \(rounded(now)) of \(rounded(target))" + time + beyond
    }

    /// Three decimals.
    private func rounded(_ value: Double) -> String { "\((value * 1000).rounded() / 1000)" }
}
