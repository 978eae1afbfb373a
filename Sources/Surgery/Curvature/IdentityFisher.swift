package import Checkpoints
package import SystemPackage
package import Tensors
package import Transformer

/// F = I, for comparison: the cheapest step is the shortest, and Fisher Removal is gradient ascent. The retain examples count for the
/// mean gradient only, which tells what a step does to them.
package final class IdentityFisher: GradientTap, StoredFisher {
    package let needsEveryExample = false
    package let blockSize = 1
    private let mean: MeanGradient
    package var meanGradient: ParameterStore { mean.store }

    package init(_ model: LanguageModel, _ names: [String], examples: Int, scratch: FilePath) throws {
        mean = MeanGradient(of: examples, into: try ParameterStore(model, names, in: scratch))
    }

    package func visit(_ slice: ParameterSlice, _ factors: borrowing GradientFactors, examples: Range<Int>) throws {
        try GradientTiles.forEach(of: slice, factors, examples: mean.exampleCount) { rows, gradients in
            try mean.add(gradients.view, to: slice.name, from: slice.offset + rows.lowerBound * slice.columns, examples)
        }
    }

    package func finish(_ group: ParameterGroup) throws -> Bool { false }

    package func whiten(_ rows: inout MutableMatrixView, of name: String, from offset: Int) {}

    package func invert(_ vector: inout MutableMatrixView, of name: String, from offset: Int) {}

    package func root(_ vector: inout MutableMatrixView, of name: String, from offset: Int) -> Double { Double(vector.columns) }
}
