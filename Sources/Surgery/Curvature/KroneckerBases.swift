package import Checkpoints
internal import Storage
package import SystemPackage
internal import Tensors
package import Transformer

/// For each linear map of the layers, the basis that EKFAC looks at its gradients in (George et al., arXiv 1806.03884): the eigenvectors
/// of the second moments of its two factors over all tokens, output gradients on one side and inputs on the other. p^2 + q^2
/// numbers for a weight of p x q, in a scratch file. Other parameters (embeddings, head, norms, biases) have none, and a side of
/// more than `largestSide` keeps its own axes.
///
/// As a tap it is filled in one backward sweep; then `diagonalize` is to be called.
package final class KroneckerBases: GradientTap {
    package static let largestSide = 4096
    /// Eigendecompositions that are made together.
    static let sidesAtOnce = 2

    package let needsEveryExample = false
    private let largestSide: Int
    private let shapes: [String: (rows: Int, columns: Int)]
    private let store: ParameterStore

    package init(
        _ model: LanguageModel, _ names: [String], largestSide: Int = KroneckerBases.largestSide, scratch: FilePath
    ) throws {
        self.largestSide = largestSide
        let maps = model.layout.layers.flatMap(\.linears).map { ($0.weight, (rows: $0.storedRows, columns: $0.storedColumns)) }
        let shapes = Dictionary(maps, uniquingKeysWith: { first, _ in first }).filter { Set(names).contains($0.key) }
        self.shapes = shapes
        store = try ParameterStore(
            shapes.map { ($0.key, Self.count(rows: $0.value.rows, columns: $0.value.columns, largestSide)) }, in: scratch)
    }

    /// How many numbers the basis of a weight takes.
    static func count(rows: Int, columns: Int, _ largestSide: Int = KroneckerBases.largestSide) -> Int {
        [rows, columns].filter { $0 <= largestSide }.reduce(0) { $0 + $1 * $1 }
    }

    /// The eigenvectors of a parameter's two sides; nil where it has no basis of its own.
    package func basis(of name: String) throws -> KroneckerBasis? {
        guard let shape = shapes[name] else { return nil }
        var basis = KroneckerBasis(
            left: Matrix(rows: side(shape.rows), columns: side(shape.rows)),
            right: Matrix(rows: side(shape.columns), columns: side(shape.columns)))
        let count = basis.left.count
        var left = basis.left.mutableElements
        try store.read(name, from: 0, into: &left)
        var right = basis.right.mutableElements
        try store.read(name, from: count, into: &right)
        return basis
    }

    private func side(_ count: Int) -> Int { count > largestSide ? 0 : count }

    package func visit(_ slice: ParameterSlice, _ factors: borrowing GradientFactors, examples: Range<Int>) throws {
        // Before the first examples the sums are zeros.
        guard var sums = try basis(of: slice.name) else { return }
        var left = Matrix(rows: 0, columns: 0)
        swap(&left, &sums.left)
        var leftView = left.mutableView
        var rightView = sums.right.mutableView
        factors.addMoments(left: &leftView, right: &rightView)
        try store.write(slice.name, from: 0, left.elements)
        try store.write(slice.name, from: left.count, sums.right.elements)
    }

    package func finish(_ group: ParameterGroup) throws -> Bool { false }

    /// Makes eigenvectors of the moments, once.
    package func diagonalize() throws {
        // By size, so that those that are made together take as long.
        let sides = sides.sorted { ($0.count, $0.name, $0.offset) > ($1.count, $1.name, $1.offset) }
        for first in stride(from: 0, to: sides.count, by: Self.sidesAtOnce) {
            let some = sides[first..<min(sides.count, first + Self.sidesAtOnce)]
            var moments = Matrix(rows: some.count, columns: some.reduce(0) { max($0, $1.count * $1.count) })
            for (row, side) in some.enumerated() {
                var target = moments.mutableRows(row..<row + 1)
                var elements = target.elements._mutatingExtracting(0..<side.count * side.count)
                try store.read(side.name, from: side.offset, into: &elements)
            }
            var view = moments.mutableView
            RowParallel.forEach(some.count, writing: &view) { row, shared in
                let count = some[first + row].count
                var tile = shared.tile(rows: row..<row + 1, columns: 0..<count * count)
                var matrix = tile.leading(rows: count, columns: count)
                // Where LAPACK does not converge the side keeps its own axes.
                if !LinearAlgebra.replaceByEigenvectors(&matrix) { Self.fillWithAxes(&matrix) }
            }
            for (row, side) in some.enumerated() {
                try store.write(side.name, from: side.offset, moments.view.row(row).extracting(0..<side.count * side.count))
            }
        }
    }

    /// The sides of all parameters that have a basis: where the basis of each starts among the parameter's numbers, and how many vectors
    /// it has.
    private var sides: [(name: String, offset: Int, count: Int)] {
        shapes.flatMap { name, shape in
            let (left, right) = (side(shape.rows), side(shape.columns))
            return [(name, 0, left), (name, left * left, right)].filter { $0.2 > 0 }
        }
    }

    private static func fillWithAxes(_ matrix: inout MutableMatrixView) {
        for row in 0..<matrix.rows {
            var values = matrix.row(row)
            for column in values.indices { values[column] = column == row ? 1 : 0 }
        }
    }
}
