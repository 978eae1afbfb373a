internal import Glibc
internal import Storage

/// How a family turns queries and keys with their positions: which columns, and how fast each pair of them.
///
/// The first `columns` of a head are turned, pair i by position times frequency i; the unscaled frequency is base^(-2i/columns).
package struct RotaryParameters: Sendable, Equatable {
    /// How the frequencies are stretched for contexts longer than the first training's.
    package enum Scaling: Sendable, Equatable {
        /// As they are; `dynamic` scaling within the context, too.
        case none
        /// Every frequency over the factor.
        case linear(factor: Double)
        /// Frequencies with wavelengths of more than original / low over the factor, below original / high as they are.
        case llama3(factor: Double, low: Double, high: Double, original: Double)
        /// Arxiv 2309.00071: a ramp over the pairs from kept (those before `first`) to divided (those after `last`).
        case yarn(factor: Double, first: Double, last: Double)
        /// Arxiv 2402.13753: a divisor for each pair, others in sequences longer than `original`.
        case long(short: [Double], long: [Double], original: Int)
    }

    package let base: Double
    package let columns: Int
    package let scaling: Scaling
    /// What cosines and sines are multiplied by.
    package let magnitude: Double

    package init(base: Double, columns: Int, scaling: Scaling = .none, magnitude: Double = 1) {
        self.base = base
        self.columns = columns
        self.scaling = scaling
        self.magnitude = magnitude
    }

    /// The least length of a sequence that has other frequencies than a short one; nil where length makes no difference.
    package var longFrom: Int? { if case .long(_, _, let original) = scaling { original + 1 } else { nil } }

    /// Frequencies of the pairs, in sequences of a length, as Float like the reference implementation's.
    package func frequencies(length: Int) -> [Float] {
        (0..<columns / 2).map { pair in
            let plain = pow(base, -Double(2 * pair) / Double(columns))
            switch scaling {
            case .none: return Float(plain)
            case .linear(let factor): return Float(plain / factor)
            case .llama3(let factor, let low, let high, let original):
                let turns = original * plain / (2 * .pi)
                if turns > high { return Float(plain) }
                if turns < low { return Float(plain / factor) }
                let smooth = (turns - low) / (high - low)
                return Float((1 - smooth) * plain / factor + smooth * plain)
            case .yarn(let factor, let first, let last):
                let ramp = min(max((Double(pair) - first) / (last - first), 0), 1)
                return Float(plain / factor * ramp + plain * (1 - ramp))
            case .long(let short, let long, let original): return Float(plain / (length > original ? long : short)[pair])
            }
        }
    }
}
