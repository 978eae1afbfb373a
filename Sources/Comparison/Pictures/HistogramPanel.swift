/// The distributions of a kind of module: before and after over each other, and beside them that of the difference.
struct HistogramPanel {
    let title: String
    let distribution: WeightDistribution

    static let width = 460.0
    static let height = 196.0

    /// Nil where there is nothing to show.
    var figure: Figure? {
        guard let histogram = distribution.histogram else { return nil }
        var drawing = Drawing()
        drawing.label(Drawing.shortened(title, to: 52), 10, 18, style: "title")
        func number(_ value: Double?) -> String { value?.text() ?? "-" }
        drawing.label(
            "KS \(number(distribution.kolmogorovSmirnov)) · W₁ \(number(distribution.wasserstein)) · kurtosis "
                + "\(number(distribution.before.kurtosis)) → \(number(distribution.after.kurtosis)), difference "
                + number(distribution.difference.kurtosis), 10, 34, style: "faint")
        let shares = [histogram.before, histogram.after, histogram.difference].flatMap(\.bins).filter { $0 > 0 }
        let floor = max(1e-7, shares.min() ?? 1e-7)
        let vertical = Axis(floor / 1.5, 1, isLogarithmic: true, from: 156, to: 48)
        let left = Axis(histogram.axis.lowerBound, histogram.axis.upperBound, from: 46, to: 234)
        let right = Axis(histogram.differenceAxis.lowerBound, histogram.differenceAxis.upperBound, from: 256, to: 444)
        drawing.frame(left, vertical, "weights", labelled: true)
        drawing.frame(right, vertical, "difference", labelled: false)
        drawing.bars(histogram.before, left, vertical, "before")
        drawing.steps(histogram.after, left, vertical, "after")
        drawing.bars(histogram.difference, right, vertical, "difference")
        return Figure(title: title, width: Self.width, height: Self.height, drawing: drawing)
    }

    /// What the colours mean; 22 pixels high.
    static var legend: Drawing {
        var drawing = Drawing()
        drawing.rectangle(0, 2, 14, 10, style: "before")
        drawing.label("before", 20, 11)
        drawing.line(76, 7, 92, 7, style: "after")
        drawing.label("after", 98, 11)
        drawing.rectangle(144, 2, 14, 10, style: "difference")
        drawing.label("difference, after - before", 164, 11)
        drawing.label(
            "share of the weights in each of 80 bins, by logarithm; five standard deviations to either side", 330, 11, style: "faint")
        return drawing
    }
}

extension Drawing {
    /// Axes with ticks, their numbers and rules.
    mutating func frame(_ horizontal: Axis, _ vertical: Axis, _ name: String, labelled: Bool) {
        for tick in vertical.ticks {
            line(horizontal.start, vertical.place(tick), horizontal.end, vertical.place(tick), style: "rule")
            if labelled { label(Axis.text(tick), horizontal.start - 5, vertical.place(tick) + 4, .end, style: "faint") }
        }
        line(horizontal.start, vertical.start, horizontal.end, vertical.start, style: "axis")
        for tick in horizontal.ticks {
            line(horizontal.place(tick), vertical.start, horizontal.place(tick), vertical.start + 4, style: "axis")
            label(Axis.text(tick), horizontal.place(tick), vertical.start + 16, .middle, style: "faint")
        }
        label(name, (horizontal.start + horizontal.end) / 2, vertical.start + 32, .middle)
    }

    fileprivate mutating func bars(_ shares: WeightHistogram.Shares, _ horizontal: Axis, _ vertical: Axis, _ style: String) {
        path(Self.outline(shares, horizontal, vertical, isClosed: true), style: style)
    }

    fileprivate mutating func steps(_ shares: WeightHistogram.Shares, _ horizontal: Axis, _ vertical: Axis, _ style: String) {
        path(Self.outline(shares, horizontal, vertical, isClosed: false), style: style)
    }

    private static func outline(
        _ shares: WeightHistogram.Shares, _ horizontal: Axis, _ vertical: Axis, isClosed: Bool
    ) -> [(x: Double, y: Double)] {
        let width = (horizontal.end - horizontal.start) / Double(shares.bins.count)
        let steps = shares.bins.enumerated().flatMap { index, share in
            let (x, y) = (horizontal.start + Double(index) * width, vertical.place(share))
            return [(x: x, y: y), (x: x + width, y: y)]
        }
        return isClosed ? [(horizontal.start, vertical.start)] + steps + [(horizontal.end, vertical.start)] : steps
    }
}
