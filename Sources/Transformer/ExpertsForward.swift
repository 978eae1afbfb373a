internal import Checkpoints
internal import Tensors

extension Experts {
    /// Adds what every row's experts put out to `hidden` (N x C). Micro-batches are given by their rows.
    mutating func forward(
        _ experts: [FeedForwardLayout], microBatches: [Range<Int>], from source: any WeightSource, addingTo hidden: inout Matrix
    ) throws {
        for (number, expert) in experts.enumerated() {
            let routes = microBatches.map { rows(to: number, among: $0) }.filter { !$0.isEmpty }
            guard !routes.isEmpty else { continue }
            try weights.load(expert, from: source)
            for rows in routes {
                var x = Matrix(rows: rows.count, columns: inputs.columns)
                var expanded = Matrix(rows: rows.count, columns: expert.expandedWidth)
                var activated = Matrix(rows: rows.count, columns: expert.width)
                var output = Matrix(rows: rows.count, columns: inputs.columns)
                gather(inputs, rows, into: &x)
                activate(expert, x, 0..<rows.count, &expanded, into: &activated)
                weigh(&activated, rows, number)
                var sum = output.mutableView
                weights.apply(expert.contractionNumber, to: activated.view, into: &sum)
                scatter(sum.view, scale: configuration.scales.residual, to: &hidden, rows)
            }
        }
    }

    /// The activations (R x F) of some rows' inputs (R x C), in the same rows.
    borrowing func activate(
        _ expert: FeedForwardLayout, _ x: borrowing Matrix, _ rows: Range<Int>, _ expanded: inout Matrix, into activated: inout Matrix
    ) {
        var expansion = expanded.mutableView
        weights.apply(expert.expansionNumbers, to: x.rows(rows), into: &expansion)
        var output = activated.mutableRows(rows)
        FeedForward.forward(configuration.activation, expansion.view, into: &output)
    }

    /// Multiplies each row by its routing weight.
    private borrowing func weigh(_ activated: inout Matrix, _ rows: [Int], _ expert: Int) {
        let routing = routing.view
        var values = activated.mutableView
        RowParallel.rows(of: &values, perBlock: 16) { range, values in
            for index in range {
                let weight = routing.row(rows[index])[expert]
                var row = values.row(index - range.lowerBound)
                for column in row.indices { row[column] *= weight }
            }
        }
    }
}

/// The numbers of an expert's maps among its weights.
extension FeedForwardLayout {
    var expansionNumbers: Range<Int> { 0..<expansions.count }
    var contractionNumber: Range<Int> { expansions.count..<expansions.count + 1 }
}
