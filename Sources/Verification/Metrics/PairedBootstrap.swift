/// Resamples records, what several models make of a record together, to tell how sure a mean over their tokens is.
struct PairedBootstrap {
    private static let resamples = 1000
    let seed: UInt64

    /// The 2.5th and 97.5th percentile of sum of values / sum of tokens; nil for fewer than two records.
    func interval(tokens: [Int], values: [Double]) -> ConfidenceInterval? {
        guard tokens.count > 1 else { return nil }
        var random = SplitMix64(seed: seed)
        var means = (0..<Self.resamples).map { _ in
            var (sum, count) = (0.0, 0)
            for _ in tokens.indices {
                let index = Int.random(in: tokens.indices, using: &random)
                sum += values[index]
                count += tokens[index]
            }
            return sum / Double(max(1, count))
        }
        means.sort()
        return ConfidenceInterval(low: means[Self.resamples / 40], high: means[Self.resamples - 1 - Self.resamples / 40])
    }
}

/// Where a figure lies with 95 % confidence.
package struct ConfidenceInterval: Sendable, Equatable {
    package let low: Double
    package let high: Double
}

/// A small generator whose sequence is the same on every machine (Steele, Lea and Flood 2014).
package struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
