internal import Glibc

/// Row-major Float storage of `rows` x `columns`, owned: the one place where computed numbers live.
///
/// Only spans and views leave it, so nothing outlives it.
///
/// `@unchecked Sendable`: the storage has this one owner, and is written only through exclusive (`mutating`) access.
@safe package struct Matrix: ~Copyable, @unchecked Sendable {
    package let rows: Int
    package let columns: Int
    private let storage: UnsafeMutableRawPointer
    /// In bytes, on x86-64 and on most others.
    private static let hugePage = 2 << 20

    /// All zeros.
    package init(rows: Int, columns: Int) {
        precondition(rows >= 0 && columns >= 0)
        self.rows = rows
        self.columns = columns
        let bytes = max(rows * columns, 1) * MemoryLayout<Float>.stride
        // 64 bytes: a cache line, and the widest vector register.
        unsafe storage = .allocate(byteCount: bytes, alignment: bytes < 2 * Self.hugePage ? 64 : Self.hugePage)
        // In small pages a tenth of a sweep's time is the kernel's, giving them one by one. Where it has no others, nothing is lost.
        if bytes >= 2 * Self.hugePage { unsafe _ = madvise(storage, bytes / Self.hugePage * Self.hugePage, MADV_HUGEPAGE) }
        unsafe storage.initializeMemory(as: Float.self, repeating: 0, count: rows * columns)
    }

    deinit { unsafe storage.deallocate() }

    package var count: Int { rows * columns }

    /// All elements, row by row.
    package var elements: Span<Float> {
        @_lifetime(borrow self)
        get {
            let span = unsafe Span(_unsafeStart: storage.assumingMemoryBound(to: Float.self), count: count)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    package var mutableElements: MutableSpan<Float> {
        @_lifetime(&self)
        mutating get {
            let span = unsafe MutableSpan(_unsafeStart: storage.assumingMemoryBound(to: Float.self), count: count)
            return unsafe _overrideLifetime(span, mutating: &self)
        }
    }

    package var view: MatrixView {
        @_lifetime(borrow self)
        get { MatrixView(elements, rows: rows, columns: columns) }
    }

    package var mutableView: MutableMatrixView {
        @_lifetime(&self)
        mutating get { mutableRows(0..<rows) }
    }

    /// A view of some rows.
    @_lifetime(borrow self)
    package func rows(_ range: Range<Int>) -> MatrixView { view.rows(range) }

    @_lifetime(&self)
    package mutating func mutableRows(_ range: Range<Int>) -> MutableMatrixView {
        let start = range.lowerBound * columns
        let span = unsafe MutableSpan(
            _unsafeStart: storage.assumingMemoryBound(to: Float.self) + start, count: checked(range).count * columns)
        return unsafe _overrideLifetime(MutableMatrixView(span, rows: range.count, columns: columns), mutating: &self)
    }

    package mutating func fill(_ value: Float) {
        var elements = mutableElements
        elements.update(repeating: value)
    }

    private func checked(_ range: Range<Int>) -> Range<Int> {
        precondition(range.lowerBound >= 0 && range.upperBound <= rows)
        return range
    }
}
