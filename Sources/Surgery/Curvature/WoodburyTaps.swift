internal import Tensors
internal import Transformer

/// A F^-1 A^T, F in example space block by block, in one backward sweep over retain examples and rows; and what of it a step
/// is made of.
final class WoodburyGram: GradientTap {
    let needsEveryExample = true
    private let retain: Int
    private let rows: Int
    private let rho: Double
    private var blocks: ParameterBlocks<GramMatrix, WoodburyInverse?>
    private var inverses: [WoodburyInverse] = []
    /// The sum over the blocks that are complete.
    private(set) var gram: GramMatrix

    /// Retain examples come first in the batch, rows after them.
    init(retain: Int, rows: Int, block: CurvatureKind.Block, rho: Double) {
        (self.retain, self.rows, self.rho) = (retain, rows, rho)
        blocks = ParameterBlocks(block)
        gram = GramMatrix(count: rows)
    }

    /// F^-1 of the block that a parameter is in; nil where the retain gradients vanish.
    func inverse(_ name: String) -> WoodburyInverse? { blocks[name] ?? nil }

    func visit(_ slice: ParameterSlice, _ factors: borrowing GradientFactors, examples: Range<Int>) throws {
        blocks.add(to: slice.name, startingWith: GramMatrix(count: retain + rows)) { gram in
            gram.add(slice, factors)
        }
    }

    func finish(_ group: ParameterGroup) throws -> Bool {
        blocks.finishGroup(solve)
        return false
    }

    func finishSweep() { blocks.finishSweep(solve) }

    private func solve(_ sum: GramMatrix) -> WoodburyInverse? {
        let inverse = WoodburyInverse(sum, retain: retain, rho: rho)
        if let inverse {
            gram.add(inverse.metric)
            inverses.append(inverse)
        }
        return inverse
    }

    /// The first-order change of the retain examples' mean loss by F^-1 A^T c.
    func retainChange(_ c: [Double]) -> Double { inverses.reduce(0.0) { $0 + mean($1.retainChanges(c)) } }
}

/// F^-1 A^T c, written parameter by parameter in a backward sweep that follows the Gram matrix's, in the same sweep or the next.
final class WoodburyStep: GradientTap {
    let needsEveryExample = true
    private let gram: WoodburyGram
    private let coefficients: [Double]
    private let step: ParameterStore

    init(_ gram: WoodburyGram, _ coefficients: [Double], into step: ParameterStore) {
        (self.gram, self.coefficients, self.step) = (gram, coefficients, step)
    }

    func visit(_ slice: ParameterSlice, _ factors: borrowing GradientFactors, examples: Range<Int>) throws {
        var sum = Matrix(rows: slice.rows, columns: slice.columns)
        if let inverse = gram.inverse(slice.name) {
            var view = sum.mutableView
            factors.weightedGradient(inverse.coefficients(coefficients).map(Float.init), ofRows: 0..<slice.rows, into: &view)
        }
        try step.write(slice.name, from: slice.offset, sum.elements)
    }

    func finish(_ group: ParameterGroup) throws -> Bool { false }
}
