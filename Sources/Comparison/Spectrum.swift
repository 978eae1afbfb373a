internal import Glibc
internal import Tensors

/// The singular values of a tensor's difference, seen as a matrix of its first dimension by all others.
package struct Spectrum: Sendable {
    /// The largest, falling.
    package let singularValues: [Double]
    /// The root of the sum of the squares of all, which is the difference's norm.
    package let norm: Double
    /// How many there are: the matrix' smaller side.
    package let side: Int
    /// Roy and Vetterli's effective rank: e to the entropy of the singular values as shares of their sum. Nil where only the largest
    /// are known.
    package let effectiveRank: Double?

    /// How many of the largest are kept.
    static let count = 32
    /// The largest smaller side of which all singular values are computed.
    static let completeSide = 1024

    /// |d|^2 / s_1^2, at least 1 and at most the rank.
    package var stableRank: Double? {
        guard let first = singularValues.first, first > 0 else { return nil }
        return norm * norm / (first * first)
    }

    /// The share of |d|^2 in the singular values that are kept.
    package var keptEnergy: Double? {
        norm > 0 ? min(1, singularValues.reduce(0) { $0 + $1 * $1 } / (norm * norm)) : nil
    }

    /// Nil where LAPACK does not converge.
    init?(_ difference: borrowing Matrix, norm: Double, seed: UInt64, name: String) {
        (self.norm, side) = (norm, min(difference.rows, difference.columns))
        guard side <= Self.completeSide else {
            guard
                let values = RandomizedSVD.singularValues(difference.view, count: Self.count, seed: seed, name: name)
            else { return nil }
            (singularValues, effectiveRank) = (values, nil)
            return
        }
        guard let all = GramSpectrum.singularValues(difference.view) else { return nil }
        singularValues = Array(all.prefix(Self.count))
        let sum = all.reduce(0, +)
        let entropy = all.reduce(0.0) { $1 > 0 ? $0 - $1 / sum * log($1 / sum) : $0 }
        effectiveRank = sum > 0 ? exp(entropy) : nil
    }

    /// Bytes that the process takes for a matrix of that shape, at most; `isComplete`: for all its singular values.
    static func memory(rows: Int, columns: Int, isComplete: Bool) -> Int {
        let side = min(rows, columns)
        // The Gram matrix, its eigenvectors and LAPACK's own; or the projections and their bases.
        let dense = isComplete ? 8 * 6 * side * side : 4 * 6 * 48 * (rows + columns)
        return 4 * rows * columns + dense + (96 << 20)
    }
}
