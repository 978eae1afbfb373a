internal import Glibc

/// Azzalini's skew-normal distribution, whose density is 2/w phi(z) Phi(a z) with z = (x - location) / w: what losses of a canary's
/// candidates look like (Carlini et al. 2019, section 4.3).
package struct SkewNormal: Sendable, Equatable {
    package let location: Double
    package let scale: Double
    package let shape: Double

    package init(location: Double, scale: Double, shape: Double) {
        self.location = location
        self.scale = scale
        self.shape = shape
    }

    /// The one with the sample's mean, variance and skewness, as far as a skew-normal can have that (0.99). Nil of a sample without spread.
    package init?(momentsOf sample: [Double]) {
        let count = Double(sample.count)
        let mean = sample.reduce(0, +) / count
        func moment(_ power: Double) -> Double { sample.reduce(0) { $0 + pow($1 - mean, power) } / count }
        let variance = moment(2)
        guard variance > 0, variance.isFinite else { return nil }
        let skewness = min(0.99, max(-0.99, moment(3) / pow(variance, 1.5)))
        let root = pow(abs(skewness), 2.0 / 3)
        let delta = copysign((Double.pi / 2 * root / (root + pow((4 - .pi) / 2, 2.0 / 3))).squareRoot(), skewness)
        scale = (variance / (1 - 2 * delta * delta / .pi)).squareRoot()
        location = mean - scale * delta * (2 / Double.pi).squareRoot()
        shape = delta / (1 - delta * delta).squareRoot()
    }

    /// The natural logarithm of the probability of a value of at most x, also where that is far too small for a Double.
    package func logCumulative(_ x: Double) -> Double {
        let z = (x - location) / scale
        guard z.isFinite else { return z < 0 ? -.infinity : z > 0 ? 0 : .nan }
        // Below 0 the density falls at least as fast as e^(-rate t) to the left: what lies beyond 40 / rate does not count.
        let rate = z < 0 ? -z * (shape > 0 ? 1 + shape * shape : 1) : 0
        let length = z < 0 ? min(12, 40 / max(rate, 1e-300)) : z + 12
        // Simpson's rule, on a scale where the largest value is 1.
        let steps = 2000
        let logs = (0...steps).map { logDensity(z - length * Double($0) / Double(steps)) }
        let most = logs.max() ?? 0
        var sum = 0.0
        for (index, value) in logs.enumerated() {
            sum += exp(value - most) * (index == 0 || index == steps ? 1 : index.isMultiple(of: 2) ? 2 : 4)
        }
        return min(0, most + log(sum * length / Double(steps) / 3))
    }

    /// Of z.
    private func logDensity(_ z: Double) -> Double { M_LN2 - z * z / 2 - log(2 * .pi) / 2 + Self.logNormalCumulative(shape * z) }

    private static func logNormalCumulative(_ y: Double) -> Double {
        guard y < -35 else { return log(erfc(-y / 2.0.squareRoot()) / 2) }
        // The first terms of the asymptotic series: the next is below 1e-8 of the sum.
        let square = 1 / (y * y)
        return -y * y / 2 - log(-y) - log(2 * .pi) / 2 + log1p(-square + 3 * square * square)
    }
}
