internal import Glibc
internal import Tensors

/// A next-token distribution p at one position, by its logits: what is needed to tell how likely a token is in it, and how
/// surprising that is.
struct NextTokenMoments {
    /// The largest logit.
    let largest: Float
    /// The log of the sum of e^(logit - largest).
    let logSum: Double
    /// Mean of log p(z) over z drawn from p: minus the entropy, in nats.
    let mean: Double
    /// Its standard deviation.
    let deviation: Double

    init(_ logits: Span<Float>) {
        let largest = logits.maximum()
        var (sum, first, second) = (0.0, 0.0, 0.0)
        var index = 0
        while index &+ 8 <= logits.count {
            // Float within a run, Double between runs: the error does not grow with the vocabulary.
            let end = min(index &+ 512, logits.count & ~7)
            var (weights, means, squares) = (Lanes.zero, Lanes.zero, Lanes.zero)
            while index < end {
                let shifted = Self.shifted(logits.lanes(index), by: largest)
                let weight = exponential(shifted)
                weights += weight
                means += weight * shifted
                squares += weight * shifted * shifted
                index &+= 8
            }
            sum += Double(weights.sum())
            first += Double(means.sum())
            second += Double(squares.sum())
        }
        while index < logits.count {
            let shifted = max(logits[index] - largest, -87.33654)
            let weight = exponential(shifted)
            sum += Double(weight)
            first += Double(weight * shifted)
            second += Double(weight * shifted * shifted)
            index &+= 1
        }
        self.largest = largest
        logSum = log(sum)
        mean = first / sum - logSum
        deviation = max(0, second / sum - (first / sum) * (first / sum)).squareRoot()
    }

    /// What weighs nothing must not count by being infinitely unlikely.
    @inline(__always)
    private static func shifted(_ logits: Lanes, by largest: Float) -> Lanes {
        let shifted = logits - largest
        return shifted.replacing(with: -87.33654, where: shifted .< -87.33654)
    }

    /// -log of the probability of the token with that logit, in nats.
    func loss(_ logit: Float) -> Double { logSum - Double(logit - largest) }

    /// How many standard deviations a token's log-probability lies above the mean; 0 where all tokens are equally likely.
    func standardized(_ logit: Float) -> Double { deviation > 0 ? (-loss(logit) - mean) / deviation : 0 }

    /// KL(p || q) in nats, of two distributions by their logits and moments.
    static func divergence(_ p: Span<Float>, _ pMoments: NextTokenMoments, _ q: Span<Float>, _ qMoments: NextTokenMoments) -> Double {
        var (sum, cross) = (0.0, 0.0)
        var index = 0
        while index &+ 8 <= p.count {
            let end = min(index &+ 512, p.count & ~7)
            var (weights, products) = (Lanes.zero, Lanes.zero)
            while index < end {
                let shifted = p.lanes(index) - pMoments.largest
                let weight = exponential(shifted)
                weights += weight
                products += weight * (shifted - (q.lanes(index) - qMoments.largest))
                index &+= 8
            }
            sum += Double(weights.sum())
            cross += Double(products.sum())
        }
        while index < p.count {
            let shifted = p[index] - pMoments.largest
            let weight = exponential(shifted)
            sum += Double(weight)
            cross += Double(weight * (shifted - (q[index] - qMoments.largest)))
            index &+= 1
        }
        let divergence = cross / sum - pMoments.logSum + qMoments.logSum
        // Rounding can leave a tiny negative number where the distributions are the same; what is no number is no agreement.
        return divergence.isNaN ? .infinity : max(0, divergence)
    }
}
