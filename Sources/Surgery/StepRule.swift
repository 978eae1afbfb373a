internal import Transformer

/// How a method chooses a round's step F^-1 A^T c, and how far it goes along it.
protocol StepRule: Sendable {
    /// c, a number for each row; nil where there is no step to be made. `gram` is A F^-1 A^T.
    func coefficients(_ gram: GramMatrix, _ losses: RowLosses) -> [Double]?

    /// How far to go along a step of which first-order theory says what it does to each row's loss; nil where it leads the wrong way.
    func search(_ effect: [Double], _ losses: RowLosses) -> StepSearch?

    /// The mean loss that the records to forget are brought to from what they cost the unedited model, in nats a token; infinite where there
    /// is none.
    func forgetTarget(_ losses: RowLosses) -> Double

    /// Whether no further step is wanted.
    func isDone(_ losses: RowLosses) -> Bool
}

/// What multiple of a step to try first, and what to make of where a multiple led.
package struct StepSearch {
    package enum Verdict: Sendable { case tooLittle, good, tooFar }

    package let first: Double
    package let judge: ([Double]) -> Verdict

    package init(first: Double, judge: @escaping ([Double]) -> Verdict) {
        self.first = first
        self.judge = judge
    }

    /// How often several multiples are tried together at most.
    private static let mostSweeps = 4
    private static let candidates = CandidateSweep.most

    /// The multiple to go, where the first one, judged so, is not good: the largest that is; where none is, the largest that was too
    /// little, and nil where there is none of these either. `losses` gives the rows' losses at several multiples.
    package func refine(_ verdict: Verdict, _ losses: ([Double]) throws -> [[Double]]) throws -> Double? {
        var low: Double? = verdict == .tooLittle ? first : nil
        var high: Double? = verdict == .tooFar ? first : nil
        for _ in 0..<Self.mostSweeps {
            let multiples = Self.multiples(between: low, and: high)
            for (multiple, reached) in zip(multiples, try losses(multiples)).reversed() {
                switch judge(reached) {
                case .good: return multiple
                case .tooLittle: low = max(low ?? multiple, multiple)
                case .tooFar: high = min(high ?? multiple, multiple)
                }
            }
            // Losses need not rise with the multiple: a multiple above one that is too far is not looked at again.
            if let bound = high, let below = low, below >= bound { low = nil }
        }
        return low
    }

    /// The next multiples to try, ascending: doubled above what is too little, halved below what is too far, evenly between the two.
    private static func multiples(between low: Double?, and high: Double?) -> [Double] {
        switch (low, high) {
        case (let low?, let high?): (1...candidates).map { low + (high - low) * Double($0) / Double(candidates + 1) }
        case (let low?, nil): (1...candidates).map { low * Double(1 << $0) }
        case (nil, let high?): (1...candidates).reversed().map { high / Double(1 << $0) }
        case (nil, nil): []
        }
    }
}
