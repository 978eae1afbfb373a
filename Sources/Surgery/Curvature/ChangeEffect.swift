internal import Tensors
internal import Transformer

/// First-order changes of the examples' losses by a change of the weights: each gradient's inner product with it.
final class ChangeEffect: GradientTap {
    let needsEveryExample = false
    private let change: ParameterStore
    private(set) var effect: [Double]

    init(_ change: ParameterStore, examples: Int) {
        self.change = change
        effect = [Double](repeating: 0, count: examples)
    }

    func visit(_ slice: ParameterSlice, _ factors: borrowing GradientFactors, examples: Range<Int>) throws {
        try GradientTiles.forEach(of: slice, factors, examples: effect.count) { rows, gradients in
            var change = Matrix(rows: 1, columns: gradients.columns)
            var elements = change.mutableElements
            try self.change.read(slice.name, from: slice.offset + rows.lowerBound * slice.columns, into: &elements)
            add(gradients.view, times: elements.span, to: &effect[examples])
        }
    }

    func finish(_ group: ParameterGroup) throws -> Bool { false }
}

/// sums += G x, in Double, row by row.
func add(_ g: MatrixView, times x: Span<Float>, to sums: inout ArraySlice<Double>) {
    for (row, index) in sums.indices.enumerated() {
        let values = g.row(row)
        var sum = 0.0
        for column in values.indices { sum += Double(values[column]) * Double(x[column]) }
        sums[index] += sum
    }
}
