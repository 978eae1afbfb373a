/// How a tensor's values, or those of several tensors, are distributed: before, after, and their differences.
package struct WeightDistribution: Sendable {
    package let before: Moments
    package let after: Moments
    package let difference: Moments
    /// Kolmogorov and Smirnov's distance of the two distributions: the largest difference of their cumulative shares.
    package let kolmogorovSmirnov: Double?
    /// Earth mover's distance of order 1 (Wasserstein, Kantorovich), in the unit of the weights.
    package let wasserstein: Double?
    /// How much the true distances can be larger: 0 where every value that occurs has a bin of its own (BF16, F16); else the largest
    /// share of a side in one bin.
    package let resolution: Double
    package let histogram: WeightHistogram?

    init(_ values: PairValues) {
        (before, after, difference) = (values.moments.before, values.moments.after, values.moments.difference)
        let (old, new) = (values.before, values.after)
        let (oldTotal, newTotal) = (Double(old.total), Double(new.total))
        var (cumulativeOld, cumulativeNew, most, moved, widest) = (0, 0, 0.0, 0.0, 0.0)
        var last: Double?
        for bin in old.finiteBins where old.counts[bin] + new.counts[bin] > 0 {
            let value = old.value(of: bin)
            let gap = abs(Double(cumulativeOld) / oldTotal - Double(cumulativeNew) / newTotal)
            if let last { moved += gap * (value - last) }
            cumulativeOld += old.counts[bin]
            cumulativeNew += new.counts[bin]
            most = max(most, abs(Double(cumulativeOld) / oldTotal - Double(cumulativeNew) / newTotal))
            widest = max(widest, Double(old.counts[bin]) / oldTotal, Double(new.counts[bin]) / newTotal)
            last = value
        }
        let isComparable = oldTotal > 0 && newTotal > 0
        kolmogorovSmirnov = isComparable ? most : nil
        wasserstein = isComparable ? moved : nil
        resolution = values.isExact ? 0 : widest
        histogram = WeightHistogram(values)
    }
}
