package import Checkpoints
internal import Tensors
package import Transformer

/// A curvature that has been made once, of the unedited model's gradients, and stays as it is.
package final class StoredCurvature: Curvature {
    package let companions: [Example] = []
    private let fisher: any StoredFisher
    private let checkpoint: Checkpoint
    private let parameters: [String]

    /// Entries of a parameter that noise is made for at once.
    private static let pieceElements = 1 << 16

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
    ) throws -> Double {
        let tap = StoredStep(fisher, coefficients, into: step)
        try sweep.backward(tap, from: weights)
        return tap.retainChange
    }

    /// Needs no gradients: F is known.
    package func noise(_ noise: Noise, _ sweep: inout RowSweep, from weights: any WeightSource, into step: ParameterStore) throws {
        for name in parameters {
            let trace = try root(name, StandardNormal(seed: noise.seed), into: step)
            var squares = 0.0
            for piece in pieces(step.count(of: name)) {
                squares += try checkpoint.sumOfSquares(name, from: piece.lowerBound, count: piece.count)
            }
            // Where F is not finite there is no noise.
            try step.scale(name, by: trace > 0 ? Float(noise.tau * (squares / trace).squareRoot()) : 0)
        }
    }

    /// Writes F^(-1/4) z of a parameter. Returns the trace of F^(-1/2).
    private func root(_ name: String, _ normal: StandardNormal, into step: ParameterStore) throws -> Double {
        let count = step.count(of: name)
        if let basis = try fisher.basis(of: name), let shape = checkpoint.tensor(named: name)?.shape {
            var z = normal.matrix(name, from: 0, rows: shape[0], columns: shape[1])
            basis.turn(&z)
            let trace = try rooted(&z, of: name)
            basis.turnBack(&z)
            try step.write(name, from: 0, z.elements)
            return trace
        }
        var trace = 0.0
        for piece in pieces(count) {
            var z = normal.matrix(name, from: piece.lowerBound, rows: 1, columns: piece.count)
            var vector = z.mutableView
            trace += try fisher.root(&vector, of: name, from: piece.lowerBound)
            try step.write(name, from: piece.lowerBound, z.elements)
        }
        return trace
    }

    /// Replaces a whole parameter's z by F^(-1/4) z. Returns the trace of F^(-1/2).
    private func rooted(_ z: inout Matrix, of name: String) throws -> Double {
        let count = z.count
        var view = z.mutableView
        var vector = view.leading(rows: 1, columns: count)
        return try fisher.root(&vector, of: name, from: 0)
    }

    /// A parameter's entries, some whole blocks at a time.
    private func pieces(_ count: Int) -> [Range<Int>] {
        let length = max(1, Self.pieceElements / fisher.blockSize) * fisher.blockSize
        return stride(from: 0, to: count, by: length).map { $0..<min(count, $0 + length) }
    }
}
