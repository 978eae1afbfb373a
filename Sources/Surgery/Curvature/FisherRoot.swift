internal import Tensors

/// F^(-1/4) z for the damped empirical Fisher F = lambda I + 1/m G^T G of m retain gradients, in example space
/// (DESIGN, section 3; Fisher Forgetting of Gu et al., arXiv 2403.10557):
///
///     F^(-1/4) z = lambda^(-1/4) z + G^T c,   c = U diag( ((lambda + w/m)^(-1/4) - lambda^(-1/4)) / w ) U^T G z
///
/// with K = G G^T = U diag(w) U^T. Nothing of the parameters' size is formed.
package struct FisherRoot: Sendable {
    /// c: what the m retain gradients are multiplied by.
    package let coefficients: [Double]
    /// lambda^(-1/4): what z is multiplied by.
    package let scale: Double
    /// The expected square of an entry of F^(-1/4) z for standard normal z: trace(F^(-1/2)) / d.
    package let meanSquare: Double

    /// - Parameters:
    ///   - gram: inner products of gradients, the m retain examples first.
    ///   - products: G z, the retain gradients' inner products with z; more may follow.
    ///   - dimension: d, the block's parameters.
    ///   - rho: damping relative to the block's own scale, lambda = rho trace(K) / m^2.
    ///
    /// Nil where the retain gradients vanish.
    package init?(_ gram: GramMatrix, retain m: Int, products: [Double], dimension d: Int, rho: Double) {
        let lambda = rho * gram.trace(of: m) / Double(m * m)
        guard lambda > 0, lambda.isFinite else { return nil }
        guard let (w, vectors) = LinearAlgebra.eigen((0..<m * m).map { gram[$0 / m, $0 % m] }, count: m) else { return nil }
        let root = 1 / lambda.squareRoot().squareRoot()
        var coefficients = [Double](repeating: 0, count: m)
        var halves = Double(max(0, d - m)) / lambda.squareRoot()
        for k in 0..<m {
            // Rounding can make an eigenvalue of a semidefinite matrix a little negative.
            let eigenvalue = max(0, w[k])
            let damped = lambda + eigenvalue / Double(m)
            if k >= m - min(m, d) { halves += 1 / damped.squareRoot() }
            // The quotient's limit as w -> 0 is the derivative.
            let quotient =
                eigenvalue / Double(m) > 1e-9 * lambda
                ? (1 / damped.squareRoot().squareRoot() - root) / eigenvalue : -root / (4 * lambda * Double(m))
            let along = (0..<m).reduce(0.0) { $0 + vectors[k * m + $1] * products[$1] }
            for index in 0..<m { coefficients[index] += quotient * along * vectors[k * m + index] }
        }
        self.coefficients = coefficients
        scale = root
        meanSquare = halves / Double(max(1, d))
    }
}
