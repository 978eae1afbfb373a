package import Checkpoints
internal import Tensors
package import Transformer

/// tau F^(-1/4) z, block by block, in one backward sweep: a first visit of a block's parameters gathers its Gram matrix and G z,
/// a second writes the noise. z is standard normal, a function of seed, parameter and element.
///
/// tau is relative: the noise's expected root mean square over a block is tau times that of the block's weights, so that it means
/// the same whatever the damping, the examples and the block.
package final class FisherNoise: GradientTap {
    package let needsEveryExample = true
    private let model: LanguageModel
    private let retain: Int
    private let block: EditRecipe.Block
    private let rho: Double
    private let tau: Double
    private let seed: UInt64
    private let noise: ParameterStore
    private var gathered: [String: Gathered] = [:]
    private var factors: [String: (coefficients: [Float], scale: Float)] = [:]
    /// First-order change of every example's loss by the whole noise.
    package private(set) var effect: [Double]

    /// What is summed over a block's parameters: K, G z, and the weights' squares.
    private struct Gathered {
        var gram: GramMatrix
        var products: [Double]
        var squares = 0.0
        var dimension = 0
    }

    /// Retain examples come first in the batch.
    package init(
        _ model: LanguageModel, examples: Int, retain: Int, block: EditRecipe.Block, rho: Double, tau: Double, seed: UInt64,
        into noise: ParameterStore
    ) {
        self.model = model
        self.retain = retain
        self.block = block
        self.rho = rho
        self.tau = tau
        self.seed = seed
        self.noise = noise
        effect = [Double](repeating: 0, count: examples)
    }

    package func visit(_ slice: ParameterSlice, _ factors: borrowing GradientFactors, examples: Range<Int>) throws {
        let key = block == .parameter ? slice.name : ""
        if let (coefficients, scale) = self.factors[key] {
            var sum = Matrix(rows: slice.rows, columns: slice.columns)
            var view = sum.mutableView
            factors.weightedGradient(coefficients, ofRows: 0..<slice.rows, into: &view)
            let normal = standardNormal(slice, rows: 0..<slice.rows)
            var elements = sum.mutableElements
            for index in elements.indices { elements[index] += scale * normal.elements[index] }
            try noise.write(slice.name, from: slice.offset, elements.span)
        } else {
            var block =
                gathered.removeValue(forKey: key)
                ?? Gathered(
                    gram: GramMatrix(count: examples.count), products: [Double](repeating: 0, count: examples.count))
            try GradientTiles.forEach(of: slice, factors) { rows, gradients in
                block.gram.add(gradients.view)
                let normal = standardNormal(slice, rows: rows)
                Self.addProducts(gradients.view, normal.elements, to: &block.products)
                var weights = Matrix(rows: rows.count, columns: slice.columns)
                var elements = weights.mutableElements
                try model.checkpoint.read(slice.name, from: slice.offset + rows.lowerBound * slice.columns, into: &elements)
                for index in elements.indices { block.squares += Double(elements[index]) * Double(elements[index]) }
            }
            block.dimension += slice.rows * slice.columns
            gathered[key] = block
        }
    }

    package func finish(_ group: ParameterGroup) throws -> Bool {
        guard factors.isEmpty else {
            factors = [:]
            return false
        }
        for (key, block) in gathered {
            guard let root = FisherRoot(block.gram, retain: retain, products: block.products, dimension: block.dimension, rho: rho) else {
                // Where no retain example moves, nothing says what noise would do: none is added.
                factors[key] = ([Float](repeating: 0, count: block.gram.count), 0)
                continue
            }
            let size = tau * (block.squares / Double(block.dimension) / root.meanSquare).squareRoot()
            let coefficients = root.coefficients.map { size * $0 } + [Double](repeating: 0, count: block.gram.count - retain)
            factors[key] = (coefficients.map(Float.init), Float(size * root.scale))
            for (index, change) in block.gram.times(coefficients).enumerated() {
                effect[index] += change + size * root.scale * block.products[index]
            }
        }
        gathered = [:]
        return true
    }

    /// z of some rows of a slice.
    private func standardNormal(_ slice: ParameterSlice, rows: Range<Int>) -> Matrix {
        let random = CounterRandom(seed: seed, name: slice.name)
        let first = slice.offset + rows.lowerBound * slice.columns
        var values = Matrix(rows: rows.count, columns: slice.columns)
        var view = values.mutableView
        RowParallel.forEach(rows.count, writing: &view) { row, shared in
            var part = shared.tile(rows: row..<row + 1, columns: 0..<slice.columns)
            for column in 0..<slice.columns { part.elements[column] = Float(random.normal(first + row * slice.columns + column)) }
        }
        return values
    }

    /// products += G z, in Double, example by example.
    private static func addProducts(_ gradients: MatrixView, _ z: Span<Float>, to products: inout [Double]) {
        for example in products.indices {
            let gradient = gradients.row(example)
            var sum = 0.0
            for column in gradient.indices { sum += Double(gradient[column]) * Double(z[column]) }
            products[example] += sum
        }
    }
}
