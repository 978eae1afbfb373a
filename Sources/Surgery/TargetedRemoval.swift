internal import Tensors

/// Targeted Fisher Removal (DESIGN, section 3): among all steps that change each record's loss by what is asked of it, the
/// cheapest in the Fisher metric of the retain text,
///
///     minimise 1/2 step^T F step   subject to   A step = y
///     step = F^-1 A^T (A F^-1 A^T + mu S)^-1 y,   S = diag(A F^-1 A^T)
///
/// A: one row a record, or part of one to forget, its gradient now; y: for what is to be forgotten an equal share of the way to the target,
/// or what is left of it, and the way back where its loss has gone far beyond: what is far above the target betrays what was removed. What
/// could be copied is, beside what is new, never asked to rise, and brought back from above its target. For the others the way back to their
/// unedited loss.
struct TargetedRemoval: StepRule {
    /// mu: how much of each record's own row is given up to keep the system well-posed.
    private static let relaxation = 1e-3
    /// The edit ends when the forget records' mean loss is this close to the target.
    private static let tolerance = 0.05
    /// A step is too far where kept records or copied tokens are this much worse than they may be, or what is to be forgotten rises by more
    /// than this multiple of what was asked.
    private static let keptSlack = 0.3
    private static let mostOfAsked = 4.0
    /// The way to the target is asked for in this many equal parts.
    private static let partsOfTheWay = 12.0
    /// How far above the target, as a part of it, a record may be before it is brought back.
    private static let excess = 0.5

    /// What the rows to forget are brought to, each.
    private let targets: [Double]
    /// The rows of copied tokens that are held down, and the others to forget.
    private let heldDown: [Int]
    private let raised: [Int]
    /// How far a round is to bring a row.
    private let part: Double

    init(_ rows: EditRows, target: ForgetTarget) {
        targets = rows.parts.map(target.of)
        let heldDown = target.parts == nil ? [] : rows.forget.filter { rows.parts[$0].isHeldDown }
        self.heldDown = heldDown
        raised = rows.forget.filter { !heldDown.contains($0) }
        part = (target.parts?.new ?? target.whole) / Self.partsOfTheWay
    }

    /// What could be copied need not rise: it is left where it was.
    func forgetTarget(_ losses: RowLosses) -> Double {
        losses.rows.forgetMean(targets.indices.map { heldDown.contains($0) ? min(targets[$0], losses.base[$0]) : targets[$0] })
    }

    /// Only what is to rise counts.
    func isDone(_ losses: RowLosses) -> Bool {
        mean(raised.map { targets[$0] - losses.now[$0] }) <= Self.tolerance
    }

    func coefficients(_ gram: GramMatrix, _ losses: RowLosses) -> [Double]? { solve(gram, asked(losses)) }

    func search(_ effect: [Double], _ losses: RowLosses) -> StepSearch? {
        let rows = losses.rows
        let asked = asked(losses)
        let highest = mean(raised.map { losses.now[$0] + Self.mostOfAsked * max(0, asked[$0]) })
        let copiedMost = max(mean(heldDown.map { losses.now[$0] }), mean(heldDown.map { targets[$0] }) + Self.keptSlack)
        return StepSearch(first: 1) { reached in
            guard reached.allSatisfy({ $0.isFinite }) else { return .tooFar }
            let keptMost = max(mean(losses.now[rows.keep]), mean(losses.base[rows.keep]) + Self.keptSlack)
            let keptIsFine = rows.keep.isEmpty || mean(reached[rows.keep]) <= keptMost
            let copiedIsFine = heldDown.isEmpty || mean(heldDown.map { reached[$0] }) <= copiedMost
            return keptIsFine && copiedIsFine && mean(raised.map { reached[$0] }) <= highest ? .good : .tooFar
        }
    }

    /// y: what each record's loss is to change by in this round.
    private func asked(_ losses: RowLosses) -> [Double] {
        losses.now.indices.map { index in
            guard losses.rows.forget.contains(index) else { return losses.base[index] - losses.now[index] }
            let left = targets[index] - losses.now[index]
            if heldDown.contains(index) { return min(0, left) }
            return left >= 0 ? min(part, left) : max(-part, min(0, left + Self.excess * targets[index]))
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
