internal import Glibc

/// Random numbers by position: number j of a stream is a function of seed, name and j alone, the same whatever the order, the
/// pieces or the threads they are asked for in.
package struct CounterRandom: Sendable {
    private let key: UInt64

    package init(seed: UInt64, name: String) {
        // FNV-1a over the name, mixed with the seed.
        key = Self.mixed(name.utf8.reduce(0xCBF2_9CE4_8422_2325 ^ Self.mixed(seed)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 })
    }

    /// 64 random bits.
    package func bits(_ index: Int) -> UInt64 { Self.mixed(key &+ UInt64(truncatingIfNeeded: index)) }

    /// Uniform in [0, 1), of 53 bits.
    package func uniform(_ index: Int) -> Double { Double(bits(index) >> 11) * 0x1p-53 }

    /// Standard normal, by Box and Muller from two numbers of the stream.
    package func normal(_ index: Int) -> Double {
        // 1 - u is never 0.
        let radius = (-2 * log(1 - uniform(2 &* index))).squareRoot()
        return radius * cos(2 * Double.pi * uniform(2 &* index &+ 1))
    }

    /// SplitMix64's finalizer: every bit of the input reaches every bit of the result.
    private static func mixed(_ value: UInt64) -> UInt64 {
        var z = value &+ 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
