internal import Glibc

/// Two distributions over the same bins, and that of the difference over its own.
package struct WeightHistogram: Sendable {
    /// Shares of all finite values in bins of equal width.
    package struct Shares: Sendable {
        package let bins: [Double]
        /// What lies outside of them.
        package let outside: Double

        fileprivate init(_ values: ValueCounts, over axis: Range<Double>) {
            let width = (axis.upperBound - axis.lowerBound) / Double(WeightHistogram.binCount)
            var (counts, beyond) = ([Int](repeating: 0, count: WeightHistogram.binCount), 0)
            for bin in values.finiteBins where values.counts[bin] > 0 {
                let place = ((values.value(of: bin) - axis.lowerBound) / width).rounded(.down)
                if place >= 0 && place < Double(counts.count) {
                    counts[Int(place)] += values.counts[bin]
                } else {
                    beyond += values.counts[bin]
                }
            }
            let total = Double(max(1, values.total))
            (bins, outside) = (counts.map { Double($0) / total }, Double(beyond) / total)
        }
    }

    package static let binCount = 80

    /// What the bins of the weights cover, and those of the difference: a multiple of the standard deviation about the mean.
    package let axis: Range<Double>
    package let differenceAxis: Range<Double>
    package let before: Shares
    package let after: Shares
    package let difference: Shares

    /// Nil where there is nothing to show: no finite values, or all the same.
    init?(_ values: PairValues) {
        guard let axis = Self.axis([values.moments.before, values.moments.after]) else { return nil }
        let differenceAxis = Self.axis([values.moments.difference]) ?? axis
        (self.axis, self.differenceAxis) = (axis, differenceAxis)
        before = Shares(values.before, over: axis)
        after = Shares(values.after, over: axis)
        difference = Shares(values.difference, over: differenceAxis)
    }

    /// Five standard deviations of the widest about the middle.
    private static func axis(_ sides: [Moments]) -> Range<Double>? {
        let spread = sides.compactMap(\.standardDeviation).max() ?? 0
        let middle = sides.reduce(0) { $0 + $1.mean } / Double(sides.count)
        let (low, high) = (middle - 5 * spread, middle + 5 * spread)
        return spread > 0 && low.isFinite && high.isFinite && low < high ? low..<high : nil
    }
}
