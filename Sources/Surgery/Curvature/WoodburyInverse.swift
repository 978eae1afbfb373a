internal import Tensors

/// F^-1 for one block's damped empirical Fisher F = lambda I + 1/m G^T G of m retain gradients, applied to n rows A in example space
/// (Woodbury; DESIGN, section 3):
///
///     F^-1 A^T = ( A^T - G^T S ) / lambda,   S = (m lambda I + G G^T)^-1 G A^T
///
/// Nothing of the parameters' size is formed.
package struct WoodburyInverse: Sendable {
    /// lambda = rho * trace(G G^T) / m^2: rho times the mean over retain examples of |g_i|^2 / m.
    package let damping: Double
    /// A F^-1 A^T = ( A A^T - A G^T S ) / lambda: n x n, row-major.
    package let metric: [Double]
    /// The transpose of S: n x m, row-major.
    private let solution: [Double]
    private let m: Int
    private let n: Int

    /// - Parameters:
    ///   - gram: inner products of all m + n gradients, retain examples first.
    ///   - retain: m.
    ///   - rho: damping relative to the block's own scale.
    ///
    /// Nil where the retain gradients vanish, so that nothing limits a step.
    package init?(_ gram: GramMatrix, retain m: Int, rho: Double) {
        let n = gram.count - m
        precondition(m > 0 && n > 0)
        let lambda = rho * gram.trace(of: m) / Double(m * m)
        guard lambda > 0, lambda.isFinite else { return nil }
        var system = (0..<m * m).map { gram[$0 / m, $0 % m] }
        for index in 0..<m { system[index * m + index] += Double(m) * lambda }
        let crossed = (0..<n * m).map { gram[m + $0 / m, $0 % m] }
        guard let solution = LinearAlgebra.solve(system, crossed, order: m) else { return nil }
        damping = lambda
        metric = (0..<n * n).map { entry in
            let (row, column) = (entry / n, entry % n)
            let shared = (0..<m).reduce(0.0) { $0 + crossed[row * m + $1] * solution[column * m + $1] }
            return (gram[m + row, m + column] - shared) / lambda
        }
        self.solution = solution
        (self.m, self.n) = (m, n)
    }

    /// What the m + n gradients are multiplied by so that their sum is F^-1 A^T c.
    package func coefficients(_ c: [Double]) -> [Double] {
        precondition(c.count == n)
        return retainChanges(c).map { -$0 / (Double(m) * damping) } + c.map { $0 / damping }
    }

    /// First-order changes of the retain examples' losses by F^-1 A^T c: G F^-1 A^T c = m S c.
    package func retainChanges(_ c: [Double]) -> [Double] {
        (0..<m).map { example in Double(m) * (0..<n).reduce(0.0) { $0 + solution[$1 * m + example] * c[$1] } }
    }
}
