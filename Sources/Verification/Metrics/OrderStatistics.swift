/// A sample in order, for its percentiles.
struct OrderStatistics {
    private let sorted: [Double]

    init(_ sample: some Sequence<Double>) { sorted = sample.sorted() }

    /// The value below which that part of the sample lies, linear between neighbours (NumPy's default, and llama.cpp's); NaN of nothing.
    func quantile(_ part: Double) -> Double {
        guard let last = sorted.last else { return .nan }
        let place = part * Double(sorted.count - 1)
        let index = Int(place)
        // Between two infinities there is nothing to interpolate.
        guard index + 1 < sorted.count, place > Double(index) else { return sorted.isEmpty ? last : sorted[index] }
        return sorted[index] + (place - Double(index)) * (sorted[index + 1] - sorted[index])
    }

    var largest: Double { sorted.last ?? .nan }
    var smallest: Double { sorted.first ?? .nan }
}

/// A sample's mean, and how far it may be off by chance.
struct SampleMean {
    let mean: Double
    /// Standard error: the sample's standard deviation (n - 1) over the square root of n; NaN of fewer than two.
    let standardError: Double

    init(_ sample: [Double]) {
        let count = Double(sample.count)
        let mean = sample.reduce(0, +) / count
        let squares = sample.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        self.mean = mean
        standardError = sample.count > 1 ? (squares / (count - 1) / count).squareRoot() : .nan
    }
}
