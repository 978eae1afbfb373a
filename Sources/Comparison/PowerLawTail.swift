internal import Glibc
internal import Tensors

/// A power law fitted to the tail of some positive numbers, p(x) ~ x^-alpha from `start` on (Clauset, Shalizi and Newman, SIAM
/// Review 51, 2009): alpha by maximum likelihood, the start where the tail is nearest to its law.
package struct PowerLawTail: Sendable, Equatable {
    package let alpha: Double
    /// The least number that the law is for.
    package let start: Double
    /// How many numbers the tail has.
    package let count: Int
    /// Kolmogorov and Smirnov's distance of the tail from its law.
    package let distance: Double
    /// The share of samples of the law itself, each with its own alpha from the same start on, that lie further from theirs.
    package let goodness: Double

    /// Tails of fewer numbers say nothing.
    package static let fewest = 10
    private static let samples = 200

    /// Whether the law is a fit: it is not ruled out at 10 %, as Clauset and others advise.
    package var isFitted: Bool { goodness >= 0.1 }

    /// Nil where there are fewer than ten numbers in every tail, or all are the same.
    package init?(_ numbers: [Double], seed: UInt64, name: String) {
        let sorted = numbers.filter { $0 > 0 && $0.isFinite }.sorted()
        guard sorted.count >= Self.fewest else { return nil }
        let logs = sorted.map { log($0) }
        var best: (alpha: Double, first: Int, distance: Double)?
        var sum = 0.0
        for first in sorted.indices.reversed() {
            sum += logs[first]
            let count = sorted.count - first
            guard count >= Self.fewest, first == 0 || sorted[first - 1] < sorted[first] else { continue }
            let excess = sum - Double(count) * logs[first]
            guard excess > 0 else { continue }
            let alpha = 1 + Double(count) / excess
            let distance = Self.distance(logs[first...], alpha: alpha)
            if distance <= best?.distance ?? .infinity { best = (alpha, first, distance) }
        }
        guard let best else { return nil }
        (alpha, start, count, distance) = (best.alpha, sorted[best.first], sorted.count - best.first, best.distance)
        goodness = Self.goodness(count: count, distance: distance, seed: seed, name: name)
    }

    /// The largest difference between the share of numbers up to one and what the law says, for logarithms that rise.
    private static func distance(_ logs: ArraySlice<Double>, alpha: Double) -> Double {
        guard let first = logs.first else { return 0 }
        let step = 1 / Double(logs.count)
        var largest = 0.0
        for (index, value) in zip(0..., logs) {
            let law = 1 - exp((1 - alpha) * (value - first))
            largest = max(largest, abs(law - Double(index) * step), abs(law - Double(index + 1) * step))
        }
        return largest
    }

    /// Distances do not depend on alpha: the logarithms are exponentially distributed whatever it is, so alpha = 2 stands for all.
    private static func goodness(count: Int, distance: Double, seed: UInt64, name: String) -> Double {
        let random = CounterRandom(seed: seed, name: name)
        var further = 0
        for sample in 0..<samples {
            // The first number is the start itself, as it is in what was fitted.
            let logs = [0] + (1..<count).map { -log(1 - random.uniform(sample * count + $0)) }.sorted()
            if Self.distance(logs[...], alpha: 1 + Double(count) / logs.reduce(0, +)) > distance { further += 1 }
        }
        return Double(further) / Double(samples)
    }
}
