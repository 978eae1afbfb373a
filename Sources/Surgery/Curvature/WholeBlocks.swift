internal import Tensors

/// Puts rows of a parameter's entries together that come in pieces of any length, one after the other, and hands them on in
/// pieces that begin and end between blocks of `size` consecutive entries, or with the parameter.
struct WholeBlocks: ~Copyable {
    private let size: Int
    /// The entries of a block that has begun: k x (fewer than `size`).
    private var rest = Matrix(rows: 0, columns: 0)

    init(size: Int) { self.size = size }

    /// - Parameters:
    ///   - piece: k x n, the entries from `offset` on; changed where it is handed on as it is.
    ///   - count: of all the parameter's entries.
    ///   - body: gets where a piece of whole blocks starts, and the piece.
    mutating func add(
        _ piece: inout MutableMatrixView, from offset: Int, of count: Int, _ body: (Int, inout MutableMatrixView) throws -> Void
    ) rethrows {
        let carried = rest.columns
        let (start, end) = (offset - carried, offset + piece.columns)
        let whole = end == count ? end - start : (end - start) / size * size
        if carried == 0 && whole == piece.columns { return try body(start, &piece) }
        var joined = Matrix(rows: piece.rows, columns: end - start)
        var view = joined.mutableView
        copy(rest.view, into: &view)
        copy(piece.view, into: &view, at: carried)
        rest = Matrix(rows: piece.rows, columns: end - start - whole)
        var left = rest.mutableView
        copy(joined.view.columns(whole..<end - start), into: &left)
        guard whole > 0 else { return }
        var all = joined.mutableView
        var blocks = all.columns(0..<whole)
        try body(start, &blocks)
    }
}

/// Copies the columns of a view to those of another that start at `first`.
func copy(_ source: MatrixView, into target: inout MutableMatrixView, at first: Int = 0) {
    guard source.columns > 0 else { return }
    RowParallel.rows(of: &target, perBlock: 8) { range, target in
        for index in range {
            var row = target.row(index - range.lowerBound)
            let values = source.row(index)
            for column in values.indices { row[first + column] = values[column] }
        }
    }
}
