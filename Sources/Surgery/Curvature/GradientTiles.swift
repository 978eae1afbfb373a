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
        try forEach(of: slice, factors, examples: examples, atOnce: factors.exampleCount) { rows, _, gradients in
            try body(rows, &gradients)
        }
    }

    /// Examples whose gradients stay in the processor's cache between being formed and being added up.
    static let examplesInCache = 16

    /// Calls `body` with some of the slice's rows, and the gradient of them of consecutive examples, `atOnce` at most: of all that have come,
    /// before the next rows.
    static func forEach(
        of slice: ParameterSlice, _ factors: borrowing GradientFactors, examples: Int, atOnce: Int,
        _ body: (Range<Int>, Range<Int>, inout MutableMatrixView) throws -> Void
    ) rethrows {
        let height = min(slice.rows, max(1, SweepPlan.tileElements(columns: slice.columns, examples: examples) / slice.columns))
        let (count, some) = (factors.exampleCount, max(1, min(factors.exampleCount, atOnce)))
        var buffer = Matrix(rows: some, columns: height * slice.columns)
        for start in stride(from: 0, to: slice.rows, by: height) {
            let rows = start..<min(slice.rows, start + height)
            for first in stride(from: 0, to: count, by: some) {
                let part = first..<min(count, first + some)
                var whole = buffer.mutableView
                var tile = whole.leading(rows: part.count, columns: rows.count * slice.columns)
                factors.exampleGradients(ofRows: rows, of: part, into: &tile)
                try body(rows, part, &tile)
            }
        }
    }
}
