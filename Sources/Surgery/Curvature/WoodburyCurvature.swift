package import Checkpoints
package import Transformer

/// F of the retain examples without approximation, but block by block, in example space: nothing is kept but Gram matrices. F is that
/// of the weights that a sweep goes back from.
package final class WoodburyCurvature: Curvature {
    package let companions: [Example]
    private let block: CurvatureKind.Block
    private let rho: Double
    private let checkpoint: Checkpoint
    private var gathered: WoodburyGram?

    /// - Parameters:
    ///   - block: what shares one Gram matrix.
    ///   - rho: damping, for each block relative to its own scale: lambda = rho * (mean of |g_i|^2) / m.
    package init(_ checkpoint: Checkpoint, retain: [Example], block: CurvatureKind.Block, rho: Double) {
        (companions, self.block, self.rho, self.checkpoint) = (retain, block, rho, checkpoint)
    }

    package func gram(_ sweep: inout RowSweep, from weights: any WeightSource) throws -> GramMatrix {
        let tap = WoodburyGram(retain: sweep.companions, rows: sweep.rows, block: block, rho: rho)
        try sweep.backward(tap, from: weights)
        tap.finishSweep()
        gathered = tap
        return tap.gram
    }

    package func step(
        _ coefficients: [Double], _ sweep: inout RowSweep, from weights: any WeightSource, into step: ParameterStore
    ) throws -> Double {
        guard let gathered else { preconditionFailure("step without gram") }
        try sweep.backward(WoodburyStep(gathered, coefficients, into: step), from: weights)
        return gathered.retainChange(coefficients)
    }

    /// With blocks within a layer, Gram matrix, solution and noise follow each other as the sweep passes the layer.
    package func noise(_ noise: Noise, _ sweep: inout RowSweep, from weights: any WeightSource, into step: ParameterStore) throws {
        let gram = WoodburyNoiseGram(
            checkpoint, retain: sweep.companions, examples: sweep.companions + sweep.rows, block: block, rho: rho, noise: noise)
        let written = WoodburyNoise(gram, seed: noise.seed, into: step)
        guard block == .model else { return try sweep.backward(ConsecutiveTaps(gram, then: written), from: weights) }
        try sweep.backward(gram, from: weights)
        gram.finishSweep()
        try sweep.backward(written, from: weights)
    }
}
