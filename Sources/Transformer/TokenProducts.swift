package import Tensors

extension GradientFactors {
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
}
