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
    package let meanGradient: ParameterStore
    private let exampleCount: Int
    private let rho: Double
    private let names: [String]
    /// For every parameter its blocks, B x B each: 1/m G^T G, and then W.
    private let blocks: ParameterStore
    private var joined: WholeBlocks
    private var total = 0.0

    /// - Parameters:
    ///   - size: B.
    ///   - rho: damping relative to the mean of F's diagonal over all parameters, but to a block's trace at least what Float sums carry.
    package init(_ model: LanguageModel, _ names: [String], examples: Int, size: Int, rho: Double, scratch: FilePath) throws {
        (blockSize, exampleCount, self.rho, self.names) = (size, examples, rho, names)
        meanGradient = try ParameterStore(model, names, in: scratch)
        let store = meanGradient
        blocks = try ParameterStore(names.map { ($0, (store.count(of: $0) + size - 1) / size * size * size) }, in: scratch)
        joined = WholeBlocks(size: size)
    }

    package func visit(_ slice: ParameterSlice, _ factors: borrowing GradientFactors, examples: Range<Int>) throws {
        let count = meanGradient.count(of: slice.name)
        try GradientTiles.forEach(of: slice, factors) { rows, gradients in
            try joined.add(&gradients, from: slice.offset + rows.lowerBound * slice.columns, of: count) { offset, gradients in
                try add(gradients.view, to: slice.name, from: offset, examples)
            }
        }
    }

    package func finish(_ group: ParameterGroup) throws -> Bool { false }

    private func add(_ gradients: MatrixView, to name: String, from offset: Int, _ examples: Range<Int>) throws {
        let share = 1 / Float(exampleCount)
        var sums = try read(name, from: offset, columns: gradients.columns, isNew: examples.lowerBound == 0)
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
        try blocks.write(name, from: offset * size, sums.elements)
        if examples.upperBound == exampleCount {
            for row in 0..<sums.rows { total += Double(sums.view.row(row)[row % size]) }
        }
        var mean = Matrix(rows: 1, columns: gradients.columns)
        var elements = mean.mutableElements
        if examples.lowerBound > 0 { try meanGradient.read(name, from: offset, into: &elements) }
        for example in 0..<gradients.rows {
            let gradient = gradients.row(example)
            for column in gradient.indices { elements[column] += gradient[column] * share }
        }
        try meanGradient.write(name, from: offset, elements.span)
    }

    /// lambda.
    package var damping: Double { max(rho * total / Double(meanGradient.count), Double(Float.leastNormalMagnitude)) }

    /// Makes W of the sums, once.
    package func factor() throws {
        let (size, damping) = (blockSize, damping)
        for name in names {
            let count = meanGradient.count(of: name)
            let length = max(1, SweepPlan.tileElements / size) * size
            for start in stride(from: 0, to: count, by: length) {
                let columns = min(length, count - start)
                var sums = try read(name, from: start, columns: columns, isNew: false)
                var view = sums.mutableView
                RowParallel.rows(of: &view, perBlock: size) { rows, block in
                    Self.factor(&block, size: min(size, columns - rows.lowerBound), damping: damping)
                }
                try blocks.write(name, from: start * size, sums.elements)
            }
        }
    }

    /// A block's W in the place of its sums; zeros, so that nothing moves, where numbers are not finite.
    private static func factor(_ block: inout MutableMatrixView, size: Int, damping: Double) {
        var products = [Double](repeating: 0, count: size * size)
        var trace = 0.0
        for row in 0..<size {
            for column in 0...row { products[row * size + column] = Double(block.row(row)[column]) }
            trace += products[row * size + row]
        }
        let factored = FisherBlock(products, size: size, damping: max(damping, 1e-6 * trace))
        for row in 0..<block.rows {
            var values = block.row(row)
            for column in values.indices {
                values[column] = row < size && column < size ? Float(factored?.whitening[row * size + column] ?? 0) : 0
            }
        }
    }

    package func whiten(_ rows: inout MutableMatrixView, of name: String, from offset: Int) throws {
        try forEachBlock(&rows, of: name, from: offset) { whitening, block in
            var product = Matrix(rows: block.rows, columns: block.columns)
            var view = product.mutableView
            LinearAlgebra.multiplySerially(block.view, whitening.transposed, into: &view)
            for index in 0..<block.rows {
                var row = block.row(index)
                let values = product.view.row(index)
                for column in row.indices { row[column] = values[column] }
            }
        }
    }

    package func invert(_ vector: inout MutableMatrixView, of name: String, from offset: Int) throws {
        try forEachBlock(&vector, of: name, from: offset) { whitening, block in
            var product = Matrix(rows: block.rows, columns: block.columns)
            var view = product.mutableView
            LinearAlgebra.multiplySerially(block.view, whitening.transposed, into: &view)
            LinearAlgebra.multiplySerially(product.view, whitening, into: &block)
        }
    }

    package func root(_ vector: inout MutableMatrixView, of name: String, from offset: Int) throws -> Double {
        let (size, columns) = (blockSize, vector.columns)
        let whitenings = try read(name, from: offset, columns: columns, isNew: false)
        let factors = whitenings.view
        let count = (columns + size - 1) / size
        var traces = Matrix(rows: count, columns: 1)
        var view = traces.mutableView
        RowParallel.forEach(count, writing: &vector, &view) { block, vector, traces in
            let range = block * size..<min(columns, (block + 1) * size)
            var part = vector.tile(rows: 0..<1, columns: range)
            var trace = traces.tile(rows: block..<block + 1, columns: 0..<1)
            let whitening = (0..<range.count * range.count).map { entry in
                Double(factors.row(range.lowerBound + entry / range.count)[entry % range.count])
            }
            let root = FisherBlock(whitening: whitening, size: range.count).root(of: (0..<range.count).map { Double(part.elements[$0]) })
            for index in 0..<range.count { part.elements[index] = Float(root?.vector[index] ?? 0) }
            trace.elements[0] = Float(root?.trace ?? 0)
        }
        return (0..<count).reduce(0.0) { $0 + Double(traces.elements[$1]) }
    }

    /// Calls `body` with each block's W and what of the rows lies in it.
    private func forEachBlock(
        _ rows: inout MutableMatrixView, of name: String, from offset: Int,
        _ body: @Sendable (MatrixView, inout MutableMatrixView) -> Void
    ) throws {
        let (size, columns, count) = (blockSize, rows.columns, rows.rows)
        let whitenings = try read(name, from: offset, columns: columns, isNew: false)
        let factors = whitenings.view
        RowParallel.forEach((columns + size - 1) / size, writing: &rows) { block, shared in
            let range = block * size..<min(columns, (block + 1) * size)
            var part = shared.tile(rows: 0..<count, columns: range)
            body(factors.rows(range).columns(0..<range.count), &part)
        }
    }

    /// The blocks of some entries of a parameter: one row an entry, B columns.
    private func read(_ name: String, from offset: Int, columns: Int, isNew: Bool) throws -> Matrix {
        var values = Matrix(rows: (columns + blockSize - 1) / blockSize * blockSize, columns: blockSize)
        guard !isNew else { return values }
        var elements = values.mutableElements
        try blocks.read(name, from: offset * blockSize, into: &elements)
        return values
    }
}
