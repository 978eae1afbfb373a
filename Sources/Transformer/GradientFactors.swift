package import Tensors

/// What the gradients of one parameter, or of some of its rows, are made of. Example i's gradient (R x C) is
///
///     left_i^T right_i + (lookup rows of i, each added to the row that its index names)
///
/// where left_i and right_i are the token rows of example i: output gradients and inputs of a linear map, or the reverse
/// where the map is stored transposed; an embedding's gradient is all lookup, a tied embedding's has both parts.
package struct GradientFactors: ~Escapable {
    /// R and C: the shape of the slice.
    package let rows: Int
    package let columns: Int
    package let left: MatrixView
    package let right: MatrixView
    let exampleRows: [Range<Int>]
    private let lookup: MatrixView
    private let lookupIndices: [Int32]
    private let lookupExampleRows: [Range<Int>]

    /// A product alone.
    @_lifetime(copy left, copy right)
    package init(left: MatrixView, right: MatrixView, exampleRows: [Range<Int>]) {
        self.init(left: left, right: right, exampleRows: exampleRows, lookup: right.rows(0..<0), indices: [], lookupExampleRows: [])
    }

    /// A product and a lookup. An index outside the slice's rows names a row of another slice.
    @_lifetime(copy left, copy right, copy lookup)
    init(
        left: MatrixView, right: MatrixView, exampleRows: [Range<Int>], lookup: MatrixView, indices: [Int32],
        lookupExampleRows: [Range<Int>]
    ) {
        rows = left.columns
        columns = right.columns
        self.left = left
        self.right = right
        self.exampleRows = exampleRows
        self.lookup = lookup
        lookupIndices = indices
        self.lookupExampleRows = lookupExampleRows
    }

    package var exampleCount: Int { exampleRows.count }

    /// Whether there is no lookup.
    package var isProduct: Bool { lookupExampleRows.isEmpty }

    /// Every example's gradient of some rows (k of them), one example a row: m x (k C).
    package func exampleGradients(ofRows range: Range<Int>, into gradients: inout MutableMatrixView) {
        exampleGradients(ofRows: range, of: 0..<exampleCount, into: &gradients)
    }

    /// Some examples' gradients (n of them) of some rows (k of them), one example a row: n x (k C).
    package func exampleGradients(ofRows range: Range<Int>, of examples: Range<Int>, into gradients: inout MutableMatrixView) {
        let (left, right, rows, columns) = (left.columns(range), right, exampleRows, columns)
        let (lookup, indices, lookupRows) = (lookup, lookupIndices, lookupExampleRows)
        RowParallel.forEach(examples.count, writing: &gradients) { index, shared in
            let example = examples.lowerBound + index
            var tile = shared.tile(rows: index..<index + 1, columns: 0..<range.count * columns)
            var gradient = tile.leading(rows: range.count, columns: columns)
            LinearAlgebra.multiplySerially(left.rows(rows[example]).transposed, right.rows(rows[example]), into: &gradient)
            for row in lookupRows.isEmpty ? 0..<0 : lookupRows[example] where range.contains(Int(indices[row])) {
                add(lookup.row(row), to: &gradient, row: Int(indices[row]) - range.lowerBound, scale: 1)
            }
        }
    }

    /// The weighted sum of the examples' gradients of some rows (k x C).
    package func weightedGradient(_ coefficients: [Float], ofRows range: Range<Int>, into sum: inout MutableMatrixView) {
        let groups = groups
        var scaled = Matrix(rows: groups.reduce(0) { max($0, $1.rows.count) }, columns: columns)
        for (number, group) in groups.enumerated() {
            for example in group.examples {
                for row in exampleRows[example] {
                    let place = row - group.rows.lowerBound
                    var view = scaled.mutableRows(place..<place + 1)
                    var target = view.row(0)
                    let source = right.row(row)
                    for column in target.indices { target[column] = source[column] * coefficients[example] }
                }
            }
            LinearAlgebra.multiply(
                left.rows(group.rows).columns(range).transposed, scaled.rows(0..<group.rows.count), into: &sum, adding: number > 0)
        }
        for (example, rows) in lookupExampleRows.enumerated() {
            for row in rows where range.contains(Int(lookupIndices[row])) {
                add(lookup.row(row), to: &sum, row: Int(lookupIndices[row]) - range.lowerBound, scale: coefficients[example])
            }
        }
    }

    /// Token rows that are multiplied at once, unless an example has more: those of a micro-batch.
    static let rowsAtOnce = TokenBatch.largestMicroBatch

    /// Consecutive examples and their token rows, as micro-batches hold them: by the examples alone, and the same however many
    /// micro-batches come together, so that the budget does not change results.
    var groups: [(examples: Range<Int>, rows: Range<Int>)] {
        var groups: [(examples: Range<Int>, rows: Range<Int>)] = []
        for (example, rows) in exampleRows.enumerated() {
            if let last = groups.last, rows.upperBound - last.rows.lowerBound <= Self.rowsAtOnce {
                groups[groups.count - 1] = (last.examples.lowerBound..<example + 1, last.rows.lowerBound..<rows.upperBound)
            } else {
                groups.append((example..<example + 1, rows))
            }
        }
        return groups
    }

    /// Calls `body` with the same factors as if the gradient's other rows were zero.
    package func withRows(_ chosen: [Bool], _ body: (borrowing GradientFactors) throws -> Void) rethrows {
        precondition(chosen.count == rows)
        var masked = Matrix(rows: left.rows, columns: left.columns)
        for row in 0..<left.rows {
            var view = masked.mutableRows(row..<row + 1)
            var target = view.row(0)
            let source = left.row(row)
            for column in target.indices where chosen[column] { target[column] = source[column] }
        }
        let indices = lookupIndices.map { chosen.indices.contains(Int($0)) && chosen[Int($0)] ? $0 : -1 }
        try body(
            GradientFactors(
                left: masked.view, right: right, exampleRows: exampleRows, lookup: lookup, indices: indices,
                lookupExampleRows: lookupExampleRows))
    }
}

private func add(_ source: Span<Float>, to target: inout MutableMatrixView, row: Int, scale: Float) {
    var values = target.row(row)
    for column in values.indices { values[column] += source[column] * scale }
}
