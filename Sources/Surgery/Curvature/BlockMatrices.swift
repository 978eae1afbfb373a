internal import Storage
internal import SystemPackage
internal import Tensors
internal import Transformer

/// A matrix for each block of B consecutive entries of some parameters, B x B numbers each, in a scratch file: zeros at first, then
/// 1/m G^T G, its lower triangle, and then the W of `FisherBlock`.
final class BlockMatrices: Sendable {
    /// B.
    private let size: Int
    /// Each parameter's entries.
    private let counts: [(name: String, count: Int)]
    private let store: ParameterStore

    init(of counts: [(name: String, count: Int)], size: Int, scratch: FilePath) throws {
        (self.size, self.counts) = (size, counts)
        store = try ParameterStore(counts.map { ($0.name, Self.numbers(entries: $0.count, size: size)) }, in: scratch)
    }

    /// How many numbers the blocks of a parameter take.
    static func numbers(entries: Int, size: Int) -> Int { (entries + size - 1) / size * size * size }

    /// The blocks of some entries of a parameter: one row an entry, B columns.
    func matrices(_ name: String, from offset: Int, entries: Int) throws -> Matrix {
        var values = Matrix(rows: (entries + size - 1) / size * size, columns: size)
        var elements = values.mutableElements
        try store.read(name, from: offset * size, into: &elements)
        return values
    }

    func write(_ matrices: borrowing Matrix, _ name: String, from offset: Int) throws {
        try store.write(name, from: offset * size, matrices.elements)
    }

    /// Puts W in the place of the sums.
    func factor(damping: Double) throws {
        let size = size
        for (name, count) in counts {
            let length = max(1, SweepPlan.pieceElements / size) * size
            for start in stride(from: 0, to: count, by: length) {
                let entries = min(length, count - start)
                var sums = try matrices(name, from: start, entries: entries)
                var view = sums.mutableView
                RowParallel.rows(of: &view, perBlock: size) { rows, block in
                    Self.factor(&block, size: min(size, entries - rows.lowerBound), damping: damping)
                }
                try write(sums, name, from: start)
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

    func whiten(_ rows: inout MutableMatrixView, of name: String, from offset: Int) throws {
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

    func invert(_ vector: inout MutableMatrixView, of name: String, from offset: Int) throws {
        try forEachBlock(&vector, of: name, from: offset) { whitening, block in
            var product = Matrix(rows: block.rows, columns: block.columns)
            var view = product.mutableView
            LinearAlgebra.multiplySerially(block.view, whitening.transposed, into: &view)
            LinearAlgebra.multiplySerially(product.view, whitening, into: &block)
        }
    }

    func root(_ vector: inout MutableMatrixView, of name: String, from offset: Int) throws -> Double {
        let (size, columns) = (size, vector.columns)
        let whitenings = try matrices(name, from: offset, entries: columns)
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
        let (size, columns, count) = (size, rows.columns, rows.rows)
        let whitenings = try matrices(name, from: offset, entries: columns)
        let factors = whitenings.view
        RowParallel.forEach((columns + size - 1) / size, writing: &rows) { block, shared in
            let range = block * size..<min(columns, (block + 1) * size)
            var part = shared.tile(rows: 0..<count, columns: range)
            body(factors.rows(range).columns(0..<range.count), &part)
        }
    }
}
