package import Checkpoints
internal import Tensors
package import Transformer

/// A curvature that has been made once, of the unedited model's gradients, and stays as it is.
package final class StoredCurvature: Curvature {
    package let companions: [Example] = []
    private let fisher: any StoredFisher
    private let checkpoint: Checkpoint
    private let parameters: [String]

    /// Pieces of a parameter that noise is made of at once.
    private static let pieceElements = 1 << 18

    package init(_ fisher: any StoredFisher, of checkpoint: Checkpoint, parameters: [String]) {
        (self.fisher, self.checkpoint, self.parameters) = (fisher, checkpoint, parameters)
    }

    package func gram(_ sweep: inout RowSweep, from weights: any WeightSource) throws -> GramMatrix {
        let tap = StoredGram(fisher, rows: sweep.rows)
        try sweep.backward(tap, from: weights)
        return tap.gram
    }

    package func step(
        _ coefficients: [Double], _ sweep: inout RowSweep, from weights: any WeightSource, into step: ParameterStore
    ) throws -> StepEffect {
        let tap = StoredStep(fisher, coefficients, into: step)
        try sweep.backward(tap, from: weights)
        return tap.effect
    }

    package func direction(
        _ coefficients: [Double], _ sweep: inout RowSweep, from weights: any WeightSource, into step: ParameterStore
    ) throws -> StepEffect {
        try self.step(coefficients, &sweep, from: weights, into: step)
    }

    /// Needs no gradients: F is known.
    package func noise(_ noise: Noise, _ sweep: inout RowSweep, from weights: any WeightSource, into step: ParameterStore) throws {
        for name in parameters {
            var (roots, squares) = (0.0, 0.0)
            try forEachPiece(of: name, in: step) { offset, count in
                var z = StandardNormal(seed: noise.seed).matrix(name, from: offset, rows: 1, columns: count)
                var vector = z.mutableView
                roots += try fisher.root(&vector, of: name, from: offset)
                squares += try checkpoint.sumOfSquares(name, from: offset, count: count)
                try step.write(name, from: offset, z.elements)
            }
            try step.scale(name, by: Float(noise.tau * (squares / roots).squareRoot()))
        }
    }

    private func forEachPiece(of name: String, in store: ParameterStore, _ body: (Int, Int) throws -> Void) rethrows {
        let count = store.count(of: name)
        let length = max(1, Self.pieceElements / fisher.blockSize) * fisher.blockSize
        for start in stride(from: 0, to: count, by: length) { try body(start, min(length, count - start)) }
    }
}
