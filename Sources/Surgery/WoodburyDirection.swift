internal import Tensors
package import Transformer

/// F^-1 v, block by block, in one backward sweep over retain and forget examples: a first visit of a block's parameters
/// gathers its Gram matrix, a second writes the direction.
package final class WoodburyDirection: GradientTap {
    package let needsEveryExample = true
    private let retain: Int
    private let block: EditRecipe.Block
    private let rho: Double
    private let direction: ParameterStore
    private var grams: [String: GramMatrix] = [:]
    private var coefficients: [String: [Float]] = [:]
    /// First-order change of every example's loss by the whole direction.
    package private(set) var effect: [Double]

    /// Retain examples come first in the batch, forget examples after them.
    package init(examples: Int, retain: Int, block: EditRecipe.Block, rho: Double, into direction: ParameterStore) {
        self.retain = retain
        self.block = block
        self.rho = rho
        self.direction = direction
        effect = [Double](repeating: 0, count: examples)
    }

    package func visit(_ slice: ParameterSlice, _ factors: borrowing GradientFactors, examples: Range<Int>) throws {
        let key = block == .parameter ? slice.name : ""
        if let coefficients = coefficients[key] {
            var sum = Matrix(rows: slice.rows, columns: slice.columns)
            var view = sum.mutableView
            factors.weightedGradient(coefficients, ofRows: 0..<slice.rows, into: &view)
            try direction.write(slice.name, from: slice.offset, sum.elements)
        } else {
            var gram = grams.removeValue(forKey: key) ?? GramMatrix(count: examples.count)
            GradientTiles.forEach(of: slice, factors) { _, gradients in gram.add(gradients.view) }
            grams[key] = gram
        }
    }

    package func finish(_ group: ParameterGroup) throws -> Bool {
        guard coefficients.isEmpty else {
            coefficients = [:]
            return false
        }
        for (key, gram) in grams {
            let solved = WoodburyInverse(gram, retain: retain, rho: rho)?.coefficients ?? [Double](repeating: 0, count: gram.count)
            coefficients[key] = solved.map(Float.init)
            for (index, change) in gram.times(solved).enumerated() { effect[index] += change }
        }
        grams = [:]
        return true
    }
}
