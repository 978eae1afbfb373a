internal import Tensors

/// F^-1 v for the damped empirical Fisher F = lambda I + 1/m G^T G of m retain gradients and the mean v of n forget
/// gradients, in example space (Woodbury; DESIGN, section 3):
///
///     F^-1 v = ( v - G^T (m lambda I + K)^-1 G v ) / lambda,   K = G G^T
///
/// Nothing of the parameters' size is formed: the result is one coefficient for each gradient, retain first, then forget.
package struct WoodburyInverse: Sendable {
    /// Coefficients of the m + n gradients whose sum is F^-1 v.
    package let coefficients: [Double]
    /// lambda = rho * trace(K) / m^2: rho times the mean over retain examples of |g_i|^2 / m.
    package let damping: Double

    /// - Parameters:
    ///   - gram: inner products of all m + n gradients, retain examples first.
    ///   - retain: m.
    ///   - rho: damping relative to the block's own scale.
    ///
    /// Nil where the retain gradients vanish, so that nothing limits a step.
    package init?(_ gram: GramMatrix, retain m: Int, rho: Double) {
        let n = gram.count - m
        precondition(m > 0 && n > 0)
        let trace = (0..<m).reduce(0.0) { $0 + gram[$1, $1] }
        let lambda = rho * trace / Double(m * m)
        guard lambda > 0, lambda.isFinite else { return nil }
        damping = lambda
        let alongForget = (0..<m).map { row in (m..<m + n).reduce(0.0) { $0 + gram[row, $1] } / Double(n) }
        var system = (0..<m * m).map { gram[$0 / m, $0 % m] }
        for index in 0..<m { system[index * m + index] += Double(m) * lambda }
        guard let solution = LinearAlgebra.solve(system, alongForget) else { return nil }
        coefficients = solution.map { -$0 / lambda } + [Double](repeating: 1 / (Double(n) * lambda), count: n)
    }
}
