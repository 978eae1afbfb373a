package import Tensors
package import Transformer

/// K = G G^T over examples' gradients, summed block of columns by block in Double. m: examples.
package struct GramMatrix: Sendable {
    package let count: Int
    /// m x m, row-major.
    package private(set) var values: [Double]

    static let columnsPerPiece = 8192

    package init(count: Int) {
        self.count = count
        values = [Double](repeating: 0, count: count * count)
    }

    package subscript(row: Int, column: Int) -> Double { values[row * count + column] }

    package var diagonal: [Double] { (0..<count).map { self[$0, $0] } }

    /// The sum of the diagonal's first entries.
    func trace(of examples: Int) -> Double { (0..<examples).reduce(0.0) { $0 + self[$1, $1] } }

    /// K += g g^T for g (m x d). Products in Float over at most 8,192 columns, sums in Double in a fixed order.
    package mutating func add(_ g: MatrixView) {
        precondition(g.rows == count)
        let size = count
        let pieces = (g.columns + Self.columnsPerPiece - 1) / Self.columnsPerPiece
        var products = Matrix(rows: pieces * size, columns: size)
        var view = products.mutableView
        RowParallel.forEach(pieces, writing: &view) { piece, shared in
            let part = g.columns(piece * Self.columnsPerPiece..<min(g.columns, (piece + 1) * Self.columnsPerPiece))
            var product = shared.tile(rows: piece * size..<(piece + 1) * size, columns: 0..<size)
            LinearAlgebra.multiplySerially(part, part.transposed, into: &product)
        }
        for piece in 0..<pieces {
            for index in values.indices { values[index] += Double(products.elements[piece * values.count + index]) }
        }
    }

    /// K += the inner products of a slice's gradients, through tokens or through the gradients, as is cheaper.
    package mutating func add(_ slice: ParameterSlice, _ factors: borrowing GradientFactors) {
        guard factors.isCheaperByTokens else {
            return GradientTiles.forEach(of: slice, factors, examples: count) { _, gradients in add(gradients.view) }
        }
        var products = Matrix(rows: count, columns: count)
        var view = products.mutableView
        factors.tokenProducts(into: &view)
        for index in values.indices { values[index] += Double(products.elements[index]) }
    }

    /// K += products that are known already, row-major.
    package mutating func add(_ products: [Double]) {
        precondition(products.count == values.count)
        for index in values.indices { values[index] += products[index] }
    }

    /// K x.
    package func times(_ x: [Double]) -> [Double] {
        (0..<count).map { row in (0..<count).reduce(0.0) { $0 + self[row, $1] * x[$1] } }
    }
}
