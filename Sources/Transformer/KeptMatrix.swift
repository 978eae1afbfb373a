internal import Storage
package import SystemPackage
package import Tensors

/// A matrix that waits for its use, in memory or in a scratch file: its rows are stored some at a time, and come back some at a time or
/// whole. What was not stored is zeros.
package final class KeptMatrix {
    package let rows: Int
    package let columns: Int
    private let directory: FilePath?
    private var memory: Matrix
    private var scratch: ScratchFile?

    /// - Parameter directory: where the scratch file is; nil: in memory.
    package init(rows: Int, columns: Int, in directory: FilePath?) {
        (self.rows, self.columns, self.directory) = (rows, columns, directory)
        memory = Matrix(rows: directory == nil ? rows : 0, columns: columns)
    }

    /// Stores some rows, the first one as row `first`. They are as wide as the matrix and lie one behind the other.
    package func store(_ source: MatrixView, at first: Int) throws {
        precondition(source.columns == columns && first + source.rows <= rows && (source.stride == columns || source.rows <= 1))
        if let file = try file() {
            try file.write(source.elements.extracting(0..<source.rows * columns), at: first * columns)
        } else {
            copy(source, into: &memory, first..<first + source.rows)
        }
    }

    /// Stores all of a matrix, its first row as row `first`.
    func store(_ source: borrowing Matrix, at first: Int) throws { try store(source.view, at: first) }

    /// The given rows, into the first rows of `target`.
    package func load(_ range: Range<Int>, into target: inout Matrix) throws {
        guard let file = try file() else { return copy(memory, range, into: &target, 0..<range.count) }
        var view = target.mutableRows(0..<range.count)
        try file.read(at: range.lowerBound * columns, into: &view.elements)
    }

    /// Calls `body` with some of the rows and columns: for as long as it runs they are in memory.
    package func read(_ range: Range<Int>, columns some: Range<Int>? = nil, _ body: (MatrixView) throws -> Void) throws {
        let some = some ?? 0..<columns
        guard let file = try file() else { return try Self.show(memory, range, some, body) }
        var buffer = Matrix(rows: range.count, columns: some.count)
        if some.count == columns {
            try load(range, into: &buffer)
        } else {
            for (index, row) in range.enumerated() {
                var target = buffer.mutableRows(index..<index + 1)
                try file.read(at: row * columns + some.lowerBound, into: &target.elements)
            }
        }
        try body(buffer.view)
    }

    /// Calls `body` with all of it.
    package func read(_ body: (MatrixView) throws -> Void) throws { try read(0..<rows, body) }

    private static func show(
        _ matrix: borrowing Matrix, _ rows: Range<Int>, _ columns: Range<Int>, _ body: (MatrixView) throws -> Void
    ) rethrows {
        try body(matrix.rows(rows).columns(columns))
    }

    /// The scratch file, which is there from its first use; nil: it is in memory.
    private func file() throws -> ScratchFile? {
        if scratch == nil, let directory {
            let file = try ScratchFile(in: directory)
            try file.resize(to: rows * columns)
            scratch = file
        }
        return scratch
    }
}
