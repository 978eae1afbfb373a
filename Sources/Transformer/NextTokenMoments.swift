internal import Glibc
internal import Tensors

/// A next-token distribution p at one position, by its logits: what is needed to tell how likely a token is in it, and how
/// surprising that is. It may be made of several slices of the vocabulary, one after the other.
package struct NextTokenMoments: Sendable {
    /// The largest logit, and the token that has it: the first, where several do.
    package private(set) var largest: Float = -.infinity
    package private(set) var best = 0
    /// Sums over the vocabulary of e^x, x e^x and x^2 e^x, with x = logit - largest.
    private var sum = 0.0
    private var first = 0.0
    private var second = 0.0

    /// Of no token yet.
    package init() {}

    /// Of the tokens from `start` on.
    package init(_ logits: Span<Float>, from start: Int = 0) {
        best = start + logits.indexOfMaximum()
        largest = logits.maximum()
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
    }

    /// What weighs nothing must not count by being infinitely unlikely.
    @inline(__always)
    private static func shifted(_ logits: Lanes, by largest: Float) -> Lanes {
        let shifted = logits - largest
        return shifted.replacing(with: -87.33654, where: shifted .< -87.33654)
    }

    /// Takes in further tokens.
    package mutating func add(_ other: NextTokenMoments) {
        guard sum != 0 else { return self = other }
        var other = other
        if other.largest > largest {
            shift(to: other.largest)
            (largest, best) = (other.largest, other.best)
        } else {
            other.shift(to: largest)
        }
        sum += other.sum
        first += other.first
        second += other.second
    }

    /// The sums as they are with another largest logit.
    private mutating func shift(to level: Float) {
        let distance = Double(largest) - Double(level)
        let factor = exp(distance)
        second = (second + 2 * distance * first + distance * distance * sum) * factor
        first = (first + distance * sum) * factor
        sum *= factor
    }

    /// The log of the sum of e^(logit - largest).
    private var logSum: Double { log(sum) }

    /// Mean of log p(z) over z drawn from p: minus the entropy, in nats.
    package var mean: Double { first / sum - logSum }

    /// Its standard deviation.
    package var deviation: Double { max(0, second / sum - (first / sum) * (first / sum)).squareRoot() }

    /// -log of the probability of the token with that logit, in nats.
    package func loss(_ logit: Float) -> Double { logSum - Double(logit - largest) }

    /// How many standard deviations a token's log-probability lies above the mean; 0 where all tokens are equally likely.
    package func standardized(_ logit: Float) -> Double { deviation > 0 ? (-loss(logit) - mean) / deviation : 0 }
}

/// KL(p || q) of two distributions, made of slices of the vocabulary like their moments.
package struct NextTokenDivergence: Sendable {
    /// The sum of e^(a - level) (a - b) over the vocabulary, for logits a of p and b of q.
    private var cross = 0.0
    private var level: Float = -.infinity

    package init() {}

    /// Of some tokens, with the moments of both distributions over the same tokens.
    package init(_ p: Span<Float>, _ pMoments: NextTokenMoments, _ q: Span<Float>, _ qMoments: NextTokenMoments) {
        level = pMoments.largest
        var (sum, index) = (0.0, 0)
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
        cross += sum * (Double(pMoments.largest) - Double(qMoments.largest))
    }

    /// Takes in further tokens.
    package mutating func add(_ other: NextTokenDivergence) {
        guard level != -.infinity else { return self = other }
        let highest = max(level, other.level)
        cross = cross * exp(Double(level) - Double(highest)) + other.cross * exp(Double(other.level) - Double(highest))
        level = highest
    }

    /// In nats, with the moments of both over the whole vocabulary.
    package func value(_ p: NextTokenMoments, _ q: NextTokenMoments) -> Double {
        let divergence = p.meanOver(cross) - p.logPartition + q.logPartition
        // Rounding can leave a tiny negative number where the distributions are the same; what is no number is no agreement.
        return divergence.isNaN ? .infinity : max(0, divergence)
    }
}

extension NextTokenMoments {
    /// The log of the sum of e^logit.
    fileprivate var logPartition: Double { Double(largest) + logSum }

    /// A mean over p, given the sum of its terms times e^(logit - largest).
    fileprivate func meanOver(_ total: Double) -> Double { total / sum }
}
