/// A borrowed matrix: `rows` x `columns` of a buffer in which a row starts every `stride` elements.
package struct MatrixView: ~Escapable, Sendable {
    package let elements: Span<Float>
    package let rows: Int
    package let columns: Int
    package let stride: Int
    /// Whether the buffer holds the transpose of what this view stands for; `rows` and `columns` are the view's.
    package let isTransposed: Bool

    @_lifetime(copy elements)
    package init(_ elements: Span<Float>, rows: Int, columns: Int) {
        self.init(elements, rows: rows, columns: columns, stride: columns, isTransposed: false)
    }

    @_lifetime(copy elements)
    private init(_ elements: Span<Float>, rows: Int, columns: Int, stride: Int, isTransposed: Bool) {
        let stored = isTransposed ? (columns, rows) : (rows, columns)
        precondition(stored.0 == 0 || elements.count >= (stored.0 - 1) * stride + stored.1)
        self.elements = elements
        self.rows = rows
        self.columns = columns
        self.stride = stride
        self.isTransposed = isTransposed
    }

    /// The transpose; nothing is moved.
    package var transposed: MatrixView {
        @_lifetime(copy self)
        get { MatrixView(elements, rows: columns, columns: rows, stride: stride, isTransposed: !isTransposed) }
    }

    /// One row of a view that is not transposed.
    @_lifetime(copy self)
    package func row(_ index: Int) -> Span<Float> {
        precondition(!isTransposed && index >= 0 && index < rows)
        return elements.extracting(index * stride..<index * stride + columns)
    }

    @_lifetime(copy self)
    package func rows(_ range: Range<Int>) -> MatrixView {
        if isTransposed { return transposed.columns(range).transposed }
        precondition(range.lowerBound >= 0 && range.upperBound <= rows)
        let start = range.isEmpty ? 0 : range.lowerBound * stride
        let end = range.isEmpty ? 0 : (range.upperBound - 1) * stride + columns
        return MatrixView(elements.extracting(start..<end), rows: range.count, columns: columns, stride: stride, isTransposed: false)
    }

    @_lifetime(copy self)
    package func columns(_ range: Range<Int>) -> MatrixView {
        if isTransposed { return transposed.rows(range).transposed }
        precondition(range.lowerBound >= 0 && range.upperBound <= columns)
        let end = rows == 0 ? 0 : (rows - 1) * stride + range.upperBound
        let start = rows == 0 ? 0 : range.lowerBound
        return MatrixView(elements.extracting(start..<end), rows: rows, columns: range.count, stride: stride, isTransposed: false)
    }
}

/// A borrowed matrix that may be written.
package struct MutableMatrixView: ~Copyable, ~Escapable {
    package var elements: MutableSpan<Float>
    package let rows: Int
    package let columns: Int
    package let stride: Int

    @_lifetime(copy elements)
    package init(_ elements: consuming MutableSpan<Float>, rows: Int, columns: Int) {
        self.init(elements, rows: rows, columns: columns, stride: columns)
    }

    @_lifetime(copy elements)
    package init(_ elements: consuming MutableSpan<Float>, rows: Int, columns: Int, stride: Int) {
        precondition(rows == 0 || elements.count >= (rows - 1) * stride + columns)
        self.elements = elements
        self.rows = rows
        self.columns = columns
        self.stride = stride
    }

    /// The same elements, for reading.
    package var view: MatrixView {
        @_lifetime(borrow self)
        get { MatrixView(strided: elements.span, rows: rows, columns: columns, stride: stride) }
    }

    @_lifetime(&self)
    package mutating func row(_ index: Int) -> MutableSpan<Float> {
        precondition(index >= 0 && index < rows)
        return elements._mutatingExtracting(index * stride..<index * stride + columns)
    }

    /// The first elements of the buffer as a dense matrix of another shape.
    @_lifetime(&self)
    package mutating func leading(rows: Int, columns: Int) -> MutableMatrixView {
        MutableMatrixView(elements._mutatingExtracting(0..<rows * columns), rows: rows, columns: columns)
    }

    @_lifetime(&self)
    package mutating func columns(_ range: Range<Int>) -> MutableMatrixView {
        precondition(range.lowerBound >= 0 && range.upperBound <= columns)
        let end = rows == 0 ? 0 : (rows - 1) * stride + range.upperBound
        let start = rows == 0 ? 0 : range.lowerBound
        let stride = self.stride, rows = self.rows
        return MutableMatrixView(elements._mutatingExtracting(start..<end), rows: rows, columns: range.count, stride: stride)
    }
}

extension MatrixView {
    @_lifetime(copy elements)
    package init(strided elements: Span<Float>, rows: Int, columns: Int, stride: Int) {
        self.init(elements, rows: rows, columns: columns, stride: stride, isTransposed: false)
    }
}
