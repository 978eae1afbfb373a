package import Checkpoints
internal import Storage
package import SystemPackage
package import Tensors
package import Transformer

/// The empirical Fisher's blocks of B consecutive entries of each flattened parameter, damped: for each block the inverse of the
/// Cholesky factor of lambda I + 1/m G^T G (the F of oBERT, arXiv 2203.07259, which reaches its inverse by recursion over
/// examples). B numbers for every parameter in a scratch file; one tensor's part of it is in memory.
///
/// As a tap it is filled in one backward sweep; then `factor` is to be called.
package final class BlockFisher: GradientTap, StoredFisher {
    package let needsEveryExample = false
    package let blockSize: Int
    package var meanGradient: ParameterStore { mean.store }
    private let mean: MeanGradient
    private let exampleCount: Int
    private let rho: Double
    private let blocks: BlockMatrices
    private var joined: WholeBlocks
    private var total = 0.0

    /// - Parameters:
    ///   - size: B.
    ///   - rho: damping relative to the mean of F's diagonal over all parameters, but to a block's trace at least what Float sums carry.
    package init(_ model: LanguageModel, _ names: [String], examples: Int, size: Int, rho: Double, scratch: FilePath) throws {
        (blockSize, exampleCount, self.rho) = (size, examples, rho)
        let gradient = try ParameterStore(model, names, in: scratch)
        mean = MeanGradient(of: examples, into: gradient)
        blocks = try BlockMatrices(of: names.map { ($0, gradient.count(of: $0)) }, size: size, scratch: scratch)
        joined = WholeBlocks(size: size)
    }

    package func visit(_ slice: ParameterSlice, _ factors: borrowing GradientFactors, examples: Range<Int>) throws {
        let count = meanGradient.count(of: slice.name)
        try GradientTiles.forEach(of: slice, factors, examples: exampleCount) { rows, gradients in
            try joined.add(&gradients, from: slice.offset + rows.lowerBound * slice.columns, of: count) { offset, gradients in
                try add(gradients.view, to: slice.name, from: offset, examples)
            }
        }
    }

    package func finish(_ group: ParameterGroup) throws -> Bool { false }

    private func add(_ gradients: MatrixView, to name: String, from offset: Int, _ examples: Range<Int>) throws {
        let share = 1 / Float(exampleCount)
        var sums = try blocks.matrices(name, from: offset, entries: gradients.columns)
        var view = sums.mutableView
        let size = blockSize
        RowParallel.rows(of: &view, perBlock: size) { rows, products in
            let columns = rows.lowerBound..<min(gradients.columns, rows.upperBound)
            // Example by example: the bits do not depend on how many come together.
            for example in 0..<gradients.rows {
                let gradient = gradients.row(example).extracting(columns)
                for index in gradient.indices {
                    let scaled = gradient[index] * share
                    var row = products.row(index)
                    for column in 0...index { row[column] += scaled * gradient[column] }
                }
            }
        }
        try blocks.write(sums, name, from: offset)
        if examples.upperBound == exampleCount {
            for row in 0..<sums.rows { total += Double(sums.view.row(row)[row % size]) }
        }
        try mean.add(gradients, to: name, from: offset, examples)
    }

    /// lambda.
    package var damping: Double { max(rho * total / Double(meanGradient.count), Double(Float.leastNormalMagnitude)) }

    /// Makes W of the sums, once.
    package func factor() throws { try blocks.factor(damping: damping) }

    package func whiten(_ rows: inout MutableMatrixView, of name: String, from offset: Int) throws {
        try blocks.whiten(&rows, of: name, from: offset)
    }

    package func invert(_ vector: inout MutableMatrixView, of name: String, from offset: Int) throws {
        try blocks.invert(&vector, of: name, from: offset)
    }

    package func root(_ vector: inout MutableMatrixView, of name: String, from offset: Int) throws -> Double {
        try blocks.root(&vector, of: name, from: offset)
    }
}
