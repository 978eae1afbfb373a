/// The first four central moments of numbers that pass by, in Double: block by block about the block's own mean, then merged
/// (Pébay, SAND2008-6212, equations 2.1 to 2.9), so that nothing is lost where the mean is far from 0.
package struct Moments: Sendable, Equatable {
    package private(set) var count = 0
    package private(set) var mean = 0.0
    /// Sums of the second, third and fourth powers of the distances from the mean.
    private var second = 0.0
    private var third = 0.0
    private var fourth = 0.0

    package init() {}

    /// Of the finite ones among some numbers.
    init(_ values: Span<Float>) {
        var sum = 0.0
        for index in values.indices where values[index].isFinite {
            sum += Double(values[index])
            count += 1
        }
        guard count > 0 else { return }
        mean = sum / Double(count)
        for index in values.indices where values[index].isFinite {
            let distance = Double(values[index]) - mean
            let square = distance * distance
            second += square
            third += square * distance
            fourth += square * square
        }
    }

    mutating func add(_ other: Moments) {
        guard other.count > 0 else { return }
        guard count > 0 else {
            self = other
            return
        }
        let (a, b) = (Double(count), Double(other.count))
        let n = a + b
        let delta = (other.mean - mean) / n
        let cross = delta * delta * a * b
        fourth += other.fourth + cross * delta * delta * n * (a * a - a * b + b * b)
        fourth += 6 * delta * delta * (a * a * other.second + b * b * second) + 4 * delta * (a * other.third - b * third)
        third += other.third + cross * delta * n * (a - b) + 3 * delta * (a * other.second - b * second)
        second += other.second + cross * n
        mean += b * delta
        count += other.count
    }

    /// Of the numbers as a whole population.
    package var standardDeviation: Double? { count > 0 ? (second / Double(count)).squareRoot() : nil }

    /// Excess kurtosis, m4 / m2^2 - 3: 0 of a normal distribution; nil where all numbers are the same.
    package var kurtosis: Double? { second > 0 ? Double(count) * fourth / (second * second) - 3 : nil }
}
