internal import Glibc

/// Whether two samples may come from one distribution: the largest distance between theirs, and how often chance alone makes it as large.
package struct KolmogorovSmirnov: Sendable {
    package let statistic: Double
    /// Two-sided; exact (over all orders of the two samples, which are taken to have no ties) up to 10^7 pairs, asymptotic beyond.
    package let probability: Double

    /// Not a number where one sample is empty or holds what is no number.
    package init(_ first: [Double], _ second: [Double]) {
        let (first, second) = (first.sorted(), second.sorted())
        let (m, n) = (first.count, second.count)
        guard m > 0, n > 0, !first.contains(where: \.isNaN), !second.contains(where: \.isNaN) else {
            (statistic, probability) = (.nan, .nan)
            return
        }
        // Distances are whole numbers of 1 / (m n).
        var (i, j, most) = (0, 0, 0)
        while i < m, j < n {
            let value = min(first[i], second[j])
            while i < m, first[i] == value { i += 1 }
            while j < n, second[j] == value { j += 1 }
            most = max(most, abs(i * n - j * m))
        }
        statistic = Double(most) / Double(m * n)
        probability = m * n <= 10_000_000 ? Self.exact(most, m, n) : Self.asymptotic(statistic, Double(m), Double(n))
    }

    /// The share of paths from (0, 0) to (m, n) that come as far from the diagonal: point by point, of the paths that lead there.
    private static func exact(_ distance: Int, _ m: Int, _ n: Int) -> Double {
        var outside = [Double](repeating: 0, count: n + 1)
        for i in 0...m {
            for j in 0...n {
                if abs(i * n - j * m) >= distance {
                    outside[j] = 1
                } else if i + j > 0 {
                    let (above, left) = (i > 0 ? outside[j] : 0, j > 0 ? outside[j - 1] : 0)
                    outside[j] = (Double(i) * above + Double(j) * left) / Double(i + j)
                }
            }
        }
        return outside[n]
    }

    /// Kolmogorov's distribution.
    private static func asymptotic(_ statistic: Double, _ m: Double, _ n: Double) -> Double {
        let square = statistic * statistic * m * n / (m + n)
        guard square > 0.04 else { return 1 }
        let sum = (1...100).reduce(0.0) { $0 + ($1.isMultiple(of: 2) ? -1 : 1) * exp(-2 * Double($1 * $1) * square) }
        return min(1, max(0, 2 * sum))
    }
}
