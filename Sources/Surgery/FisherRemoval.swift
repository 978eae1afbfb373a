/// Fisher Removal (Gu et al., arXiv 2403.10557): theta' = theta + eta F^-1 v, v the mean gradient of the forget records: F^-1 A^T c
/// with c = 1/n for each of the n records to forget, and 0 for the others, which are only watched.
///
/// With an automatic strength, rounds of direction and step go on until the forget loss reaches its target.
struct FisherRemoval: StepRule {
    /// A round is to raise the forget loss by this part of the target.
    private static let partsOfTheWay = 8.0
    /// What counts as having reached what a round wanted.
    private static let reached = 0.97...1.05
    private static let tolerance = 0.05

    let strength: EditRecipe.Strength
    /// The mean loss that forget records are brought to, in nats a token.
    let target: Double

    func forgetTarget(_ losses: RowLosses) -> Double { target }

    func isDone(_ losses: RowLosses) -> Bool {
        if case .automatic = strength { losses.meanForget >= target - Self.tolerance } else { false }
    }

    func coefficients(_ gram: GramMatrix, _ losses: RowLosses) -> [Double]? {
        losses.now.indices.map { losses.rows.forget.contains($0) ? 1 / Double(losses.rows.forget.count) : 0 }
    }

    func search(_ effect: [Double], _ losses: RowLosses) -> StepSearch? {
        if case .fixed(let eta) = strength { return StepSearch(first: eta) { _ in .good } }
        let wanted = min(target, losses.meanForget + target / Self.partsOfTheWay)
        let slope = mean(effect[losses.rows.forget])
        guard slope > 0 else { return nil }
        return StepSearch(first: (wanted - losses.meanForget) / slope) { reached in
            let loss = mean(reached[losses.rows.forget])
            if !loss.isFinite || loss > Self.reached.upperBound * wanted { return .tooFar }
            return loss < Self.reached.lowerBound * wanted ? .tooLittle : .good
        }
    }
}
