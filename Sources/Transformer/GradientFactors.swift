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
    private let exampleRows: [Range<Int>]
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

    /// Whether `tokenProducts` takes fewer multiplications than all examples' gradients and their products with each other do: where
    /// examples have few tokens.
    package var isCheaperByTokens: Bool {
        guard isProduct else { return false }
        let tokens = exampleRows.reduce(0) { $0 + $1.count }
        return tokens * tokens * (rows + columns) < (tokens + exampleCount * exampleCount) * rows * columns
    }

    /// Inner products of the examples' gradients through those of their tokens, no gradient formed: m x m,
    ///
    ///     <g_i, g_j> = sum over tokens t of i and s of j of (left_t . left_s) (right_t . right_s)
    ///
    /// Of products alone.
    package func tokenProducts(into products: inout MutableMatrixView) {
        precondition(isProduct)
        let (left, right, exampleRows) = (left, right, exampleRows)
        let longest = exampleRows.reduce(0) { max($0, $1.count) }
        RowParallel.forEach(exampleRows.count, writing: &products) { example, shared in
            var row = shared.tile(rows: example..<example + 1, columns: 0..<exampleRows.count)
            var lefts = Matrix(rows: 1, columns: longest * longest)
            var rights = Matrix(rows: 1, columns: longest * longest)
            let here = exampleRows[example]
            for (other, there) in exampleRows.enumerated() {
                var leftView = lefts.mutableView
                var rightView = rights.mutableView
                var leftProducts = leftView.leading(rows: here.count, columns: there.count)
                var rightProducts = rightView.leading(rows: here.count, columns: there.count)
                LinearAlgebra.multiplySerially(left.rows(here), left.rows(there).transposed, into: &leftProducts)
                LinearAlgebra.multiplySerially(right.rows(here), right.rows(there).transposed, into: &rightProducts)
                var sum = 0.0
                for index in 0..<here.count * there.count { sum += Double(leftProducts.elements[index] * rightProducts.elements[index]) }
                row.elements[other] = Float(sum)
            }
        }
    }

    /// Adds left^T left (R x R) and right^T right (C x C), sums over the tokens of all examples, to each that has rows. Of products
    /// alone.
    package func addMoments(left leftSum: inout MutableMatrixView, right rightSum: inout MutableMatrixView) {
        precondition(isProduct)
        // Example by example: the bits do not depend on how many come together.
        for rows in exampleRows {
            let (left, right) = (left.rows(rows), right.rows(rows))
            if leftSum.rows > 0 { LinearAlgebra.multiply(left.transposed, left, into: &leftSum, adding: true) }
            if rightSum.rows > 0 { LinearAlgebra.multiply(right.transposed, right, into: &rightSum, adding: true) }
        }
    }

    /// Calls `body` with the factors of the same gradients in another basis, u g v^T, u (R x R) and v (C x C), each left as it is
    /// where it has no rows. Of products alone.
    package func withBasis(left u: MatrixView, right v: MatrixView, _ body: (borrowing GradientFactors) throws -> Void) rethrows {
        precondition(isProduct)
        let newLeft = turned(left, by: u)
        let newRight = turned(right, by: v)
        if u.rows > 0 && v.rows > 0 {
            try body(GradientFactors(left: newLeft.view, right: newRight.view, exampleRows: exampleRows))
        } else if u.rows > 0 {
            try body(GradientFactors(left: newLeft.view, right: right, exampleRows: exampleRows))
        } else if v.rows > 0 {
            try body(GradientFactors(left: left, right: newRight.view, exampleRows: exampleRows))
        } else {
            try body(self)
        }
    }

    /// Token rows times the transpose of `turn`; without rows where that has none.
    private func turned(_ factor: MatrixView, by turn: MatrixView) -> Matrix {
        guard turn.rows > 0 else { return Matrix(rows: 0, columns: 0) }
        var result = Matrix(rows: factor.rows, columns: turn.rows)
        var view = result.mutableView
        // Example by example: the bits do not depend on how many come together.
        let rows = exampleRows
        RowParallel.forEach(rows.count, writing: &view) { example, shared in
            var tile = shared.tile(rows: rows[example], columns: 0..<turn.rows)
            LinearAlgebra.multiplySerially(factor.rows(rows[example]), turn.transposed, into: &tile)
        }
        return result
    }

    /// Every example's gradient of some rows (k of them), one example a row: m x (k C).
    package func exampleGradients(ofRows range: Range<Int>, into gradients: inout MutableMatrixView) {
        let (left, right, rows, columns) = (left.columns(range), right, exampleRows, columns)
        let (lookup, indices, lookupRows) = (lookup, lookupIndices, lookupExampleRows)
        RowParallel.forEach(rows.count, writing: &gradients) { example, shared in
            var tile = shared.tile(rows: example..<example + 1, columns: 0..<range.count * columns)
            var gradient = tile.leading(rows: range.count, columns: columns)
            LinearAlgebra.multiplySerially(left.rows(rows[example]).transposed, right.rows(rows[example]), into: &gradient)
            for row in lookupRows.isEmpty ? 0..<0 : lookupRows[example] where range.contains(Int(indices[row])) {
                add(lookup.row(row), to: &gradient, row: Int(indices[row]) - range.lowerBound, scale: 1)
            }
        }
    }

    /// The weighted sum of the examples' gradients of some rows (k x C).
    package func weightedGradient(_ coefficients: [Float], ofRows range: Range<Int>, into sum: inout MutableMatrixView) {
        var scaled = Matrix(rows: right.rows, columns: columns)
        for (example, coefficient) in coefficients.enumerated() {
            for row in exampleRows[example] {
                var view = scaled.mutableRows(row..<row + 1)
                var target = view.row(0)
                let source = right.row(row)
                for column in target.indices { target[column] = source[column] * coefficient }
            }
        }
        LinearAlgebra.multiply(left.columns(range).transposed, scaled.view, into: &sum)
        for (example, rows) in lookupExampleRows.enumerated() {
            for row in rows where range.contains(Int(lookupIndices[row])) {
                add(lookup.row(row), to: &sum, row: Int(lookupIndices[row]) - range.lowerBound, scale: coefficients[example])
            }
        }
    }
}

private func add(_ source: Span<Float>, to target: inout MutableMatrixView, row: Int, scale: Float) {
    var values = target.row(row)
    for column in values.indices { values[column] += source[column] * scale }
}
