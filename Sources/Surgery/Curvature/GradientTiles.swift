internal import Tensors
internal import Transformer

/// The examples' gradients of a slice, a few rows at a time: m x (k C). How many rows depends on the slice's shape and on how many
/// examples there are in all, so that products have the same bits however many of them come together.
enum GradientTiles {
    /// Calls `body` with the slice's rows and the gradient of them of every example that has come.
    static func forEach(
        of slice: ParameterSlice, _ factors: borrowing GradientFactors, examples: Int,
        _ body: (Range<Int>, inout MutableMatrixView) throws -> Void
    ) rethrows {
        let height = min(slice.rows, max(1, SweepPlan.tileElements(columns: slice.columns, examples: examples) / slice.columns))
        var buffer = Matrix(rows: factors.exampleCount, columns: height * slice.columns)
        for start in stride(from: 0, to: slice.rows, by: height) {
            let rows = start..<min(slice.rows, start + height)
            var whole = buffer.mutableView
            var tile = whole.leading(rows: factors.exampleCount, columns: rows.count * slice.columns)
            factors.exampleGradients(ofRows: rows, into: &tile)
            try body(rows, &tile)
        }
    }
}
