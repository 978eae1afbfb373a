/// How a value that a stored type cannot hold becomes one that it can.
package enum Rounding: Sendable, Equatable {
    /// To the nearest, ties to even.
    case nearest
    /// Up or down with the probability that makes the mean the value itself, drawn from the seed, the tensor's name and the
    /// element's index: the same whatever the order or the pieces in which elements come.
    case stochastic(seed: UInt64)
}

/// Rounds one tensor's values to its stored type.
package struct Rounder: Sendable {
    private let dtype: DType
    /// Nil where rounding is to nearest.
    private let random: CounterRandom?

    package init(_ rounding: Rounding, to dtype: DType, tensor name: String) {
        self.dtype = dtype
        if case .stochastic(let seed) = rounding { random = CounterRandom(seed: seed, name: name) } else { random = nil }
    }

    /// Encodes the values that begin at an element's index. False where a finite value is beyond the type's largest.
    package func encode(_ values: Span<Float>, from index: Int, into bytes: inout MutableSpan<UInt8>) -> Bool {
        // The bits of the first magnitude that rounds to infinity, and how many finite ones there are from it on.
        let limit: UInt32 =
            switch dtype {
            case .f16: Float(65520).bitPattern
            case .bf16: Float(0x1.FFp127).bitPattern
            default: Float.infinity.bitPattern
            }
        let count = Float.infinity.bitPattern - limit
        var overflows = false
        for position in values.indices { overflows = overflows || (values[position].bitPattern & 0x7FFF_FFFF) &- limit < count }
        guard !overflows else { return false }
        guard let random, dtype != .f32 else {
            StoredScalar.encode(values, as: dtype, into: &bytes)
            return true
        }
        var rounded = [Float](repeating: 0, count: values.count)
        for position in values.indices {
            rounded[position] = drawn(values[position], random.uniform(index &+ position))
        }
        // What is representable already, rounding to nearest leaves as it is.
        StoredScalar.encode(rounded.span, as: dtype, into: &bytes)
        return true
    }

    /// One of the two neighbours that the type has for the value.
    private func drawn(_ value: Float, _ uniform: Double) -> Float {
        guard value.isFinite else { return value }
        // The unit of the last place that the type has at this magnitude; below the normal ones it is constant.
        let (significand, smallest): (Int, Int) = dtype == .f16 ? (10, -14) : (7, -126)
        let exponent = max(value == 0 ? smallest : Int(value.exponent), smallest) - significand
        let unit = Double(sign: .plus, exponent: exponent, significand: 1)
        let scaled = Double(value) / unit
        let below = scaled.rounded(.down)
        let fraction = scaled - below
        let result = Float((uniform < fraction ? below + 1 : below) * unit)
        // The largest has no neighbour above.
        let largest: Float = dtype == .f16 ? 65504 : 0x1.FEp127
        return result.magnitude > largest ? Float(signOf: value, magnitudeOf: largest) : value.sign == .minus && result == 0 ? -0.0 : result
    }
}
