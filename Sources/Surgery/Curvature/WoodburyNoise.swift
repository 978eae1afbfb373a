internal import Checkpoints
internal import Tensors
internal import Transformer

/// What a block's noise is made of in example space, gathered in a backward sweep: K, G z and the weights' squares, and then the
/// coefficients of F^(-1/4) z.
final class WoodburyNoiseGram: GradientTap {
    let needsEveryExample = true
    private let checkpoint: Checkpoint
    private let retain: Int
    private let examples: Int
    private let rho: Double
    private let noise: Noise
    private var blocks: ParameterBlocks<Gathered, Scaled>

    /// The sums over a block's parameters.
    private struct Gathered {
        var gram: GramMatrix
        var products: [Double]
        var squares = 0.0
        var dimension = 0
    }

    /// What the examples' gradients and z are multiplied by.
    struct Scaled {
        let coefficients: [Float]
        let scale: Float
    }

    /// Retain examples come first in the batch.
    init(_ checkpoint: Checkpoint, retain: Int, examples: Int, block: CurvatureKind.Block, rho: Double, noise: Noise) {
        self.checkpoint = checkpoint
        (self.retain, self.examples, self.rho, self.noise) = (retain, examples, rho, noise)
        blocks = ParameterBlocks(block)
    }

    /// Of the block that a parameter is in.
    func scaled(_ name: String) -> Scaled? { blocks[name] }

    func visit(_ slice: ParameterSlice, _ factors: borrowing GradientFactors, examples: Range<Int>) throws {
        let zero = Gathered(gram: GramMatrix(count: self.examples), products: [Double](repeating: 0, count: self.examples))
        try blocks.add(to: slice.name, startingWith: zero) { block in
            try GradientTiles.forEach(of: slice, factors, examples: self.examples) { rows, gradients in
                let offset = slice.offset + rows.lowerBound * slice.columns
                block.gram.add(gradients.view)
                let z = StandardNormal(seed: noise.seed).matrix(slice.name, from: offset, rows: rows.count, columns: slice.columns)
                add(gradients.view, times: z.elements, to: &block.products[...])
                block.squares += try checkpoint.sumOfSquares(slice.name, from: offset, count: z.count)
            }
            block.dimension += slice.rows * slice.columns
        }
    }

    func finish(_ group: ParameterGroup) throws -> Bool {
        blocks.finishGroup(solve)
        return false
    }

    func finishSweep() { blocks.finishSweep(solve) }

    private func solve(_ block: Gathered) -> Scaled {
        guard let root = FisherRoot(block.gram, retain: retain, products: block.products, dimension: block.dimension, rho: rho) else {
            // Where no retain example moves, nothing says what noise would do: none is added.
            return Scaled(coefficients: [Float](repeating: 0, count: examples), scale: 0)
        }
        let size = noise.tau * (block.squares / Double(block.dimension) / root.meanSquare).squareRoot()
        let coefficients = root.coefficients.map { size * $0 } + [Double](repeating: 0, count: examples - retain)
        return Scaled(coefficients: coefficients.map(Float.init), scale: Float(size * root.scale))
    }
}

/// tau F^(-1/4) z, written parameter by parameter in a backward sweep that follows the gathering one, in the same sweep or the next.
final class WoodburyNoise: GradientTap {
    let needsEveryExample = true
    private let gathered: WoodburyNoiseGram
    private let seed: UInt64
    private let step: ParameterStore

    init(_ gathered: WoodburyNoiseGram, seed: UInt64, into step: ParameterStore) {
        (self.gathered, self.seed, self.step) = (gathered, seed, step)
    }

    func visit(_ slice: ParameterSlice, _ factors: borrowing GradientFactors, examples: Range<Int>) throws {
        guard let scaled = gathered.scaled(slice.name) else { return }
        var sum = Matrix(rows: slice.rows, columns: slice.columns)
        var view = sum.mutableView
        factors.weightedGradient(scaled.coefficients, ofRows: 0..<slice.rows, into: &view)
        let z = StandardNormal(seed: seed).matrix(slice.name, from: slice.offset, rows: slice.rows, columns: slice.columns)
        var elements = sum.mutableElements
        for index in elements.indices { elements[index] += scaled.scale * z.elements[index] }
        try step.write(slice.name, from: slice.offset, elements.span)
    }

    func finish(_ group: ParameterGroup) throws -> Bool { false }
}

extension Checkpoint {
    /// The sum of the squares of some of a parameter's elements.
    func sumOfSquares(_ name: String, from offset: Int, count: Int) throws -> Double {
        var weights = Matrix(rows: 1, columns: count)
        var elements = weights.mutableElements
        try read(name, from: offset, into: &elements)
        var sum = 0.0
        for index in elements.indices { sum += Double(elements[index]) * Double(elements[index]) }
        return sum
    }
}
