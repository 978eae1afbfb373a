package import Checkpoints
package import Transformer

/// The damped empirical Fisher of an edit's retain examples,
///
///     F = lambda I + 1/m sum_i g_i g_i^T        g_i: the gradient of example i's mean loss,
///
/// or an approximation of it, as the metric of the edit's steps (DESIGN, section 3). A holds the gradients of a sweep's rows, the
/// records that the edit is about, one a row. A sweep has been scored from the weights that it is gone back through with.
package protocol Curvature: AnyObject {
    /// The examples that stand before the rows in a sweep: the m retain examples where F is made anew at every sweep, of the
    /// weights' gradients there; none where it has been made once.
    var companions: [Example] { get }

    /// A F^-1 A^T.
    func gram(_ sweep: inout RowSweep, from weights: any WeightSource) throws -> GramMatrix

    /// Writes F^-1 A^T c, after `gram` of the same weights. Returns the first-order change of the retain examples' mean loss by it.
    func step(
        _ coefficients: [Double], _ sweep: inout RowSweep, from weights: any WeightSource, into step: ParameterStore
    ) throws -> Double

    /// Writes tau F^(-1/4) z.
    func noise(_ noise: Noise, _ sweep: inout RowSweep, from weights: any WeightSource, into step: ParameterStore) throws
}

/// Noise of Fisher Forgetting. z is standard normal, a function of seed, parameter and element.
package struct Noise: Sendable {
    /// The noise's expected root mean square over a block of F (over a parameter, where the blocks are smaller), relative to that of
    /// the block's weights: so it means the same whatever the damping, the examples and the kind of curvature.
    package let tau: Double
    package let seed: UInt64

    package init(tau: Double, seed: UInt64) {
        self.tau = tau
        self.seed = seed
    }
}
