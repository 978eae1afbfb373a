internal import Dispatch
internal import Synchronization

/// Work shared among threads. What a piece of work computes never depends on how many threads there are: pieces are cut
/// by the shape of the work alone, so the same inputs give the same bytes on any machine of the same kind.
package enum RowParallel {
    private static let requested = Atomic<Int>(2)

    /// How many threads work at once.
    package static var threads: Int {
        get { requested.load(ordering: .relaxed) }
        set { requested.store(max(1, newValue), ordering: .relaxed) }
    }

    /// Calls `work` once for every piece, on as many threads as are allowed, and returns when all are done.
    package static func forEach(_ pieces: Int, _ work: @Sendable (Int) -> Void) {
        let lanes = min(threads, pieces)
        guard lanes > 1 else {
            for piece in 0..<max(0, pieces) { work(piece) }
            return
        }
        let next = Atomic<Int>(0)
        DispatchQueue.concurrentPerform(iterations: lanes) { _ in
            while true {
                let piece = next.wrappingAdd(1, ordering: .relaxed).oldValue
                if piece >= pieces { return }
                work(piece)
            }
        }
    }

    /// What `work` makes of every piece, in their order.
    package static func map<Result: Sendable>(_ pieces: Int, _ work: @Sendable (Int) -> Result) -> [Result] {
        let results = Mutex([Result?](repeating: nil, count: max(0, pieces)))
        forEach(pieces) { piece in
            let result = work(piece)
            results.withLock { $0[piece] = result }
        }
        return results.withLock { $0.compactMap { $0 } }
    }

    /// Calls `work` here, and `other` beside it on a thread of its own where more than one is allowed. Throws the first's error before the
    /// other's, when both have ended.
    package static func both(_ work: () throws -> Void, _ other: @Sendable () throws -> Void) throws {
        let failure = Mutex<(any Error)?>(nil)
        var own: (any Error)?
        // Asked once: whoever sets it in between would have `other` run twice, or never.
        let isShared = threads > 1
        withoutActuallyEscaping(other) { other in
            @Sendable func runOther() {
                do { try other() } catch { failure.withLock { $0 = error } }
            }
            let group = DispatchGroup()
            if isShared { DispatchQueue.global().async(group: group) { runOther() } }
            do { try work() } catch { own = error }
            if isShared { group.wait() } else { runOther() }
        }
        if let error = own ?? failure.withLock({ $0 }) { throw error }
    }

    /// The same, where the pieces write to tiles of one matrix.
    package static func forEach(
        _ pieces: Int, writing matrix: inout MutableMatrixView, _ work: @Sendable (Int, borrowing SharedMatrix) -> Void
    ) {
        let shared = SharedMatrix(&matrix)
        forEach(pieces) { work($0, shared) }
    }

    /// The same, where the pieces write to tiles of two matrices.
    package static func forEach(
        _ pieces: Int, writing first: inout MutableMatrixView, _ second: inout MutableMatrixView,
        _ work: @Sendable (Int, borrowing SharedMatrix, borrowing SharedMatrix) -> Void
    ) {
        let shared = SharedMatrix(&first)
        let other = SharedMatrix(&second)
        forEach(pieces) { work($0, shared, other) }
    }

    /// Rows of a matrix in blocks: `work` gets the block's row numbers and may write those rows.
    package static func rows(
        of matrix: inout MutableMatrixView, perBlock: Int, _ work: @Sendable (Range<Int>, inout MutableMatrixView) -> Void
    ) {
        let count = matrix.rows
        forEach((count + perBlock - 1) / perBlock, writing: &matrix) { block, shared in
            let range = block * perBlock..<min(count, (block + 1) * perBlock)
            var tile = shared.tile(rows: range, columns: 0..<shared.columns)
            work(range, &tile)
        }
    }
}

/// A matrix that several threads write at once, each its own tiles.
///
/// It hands out mutable tiles without checking that they are disjoint: the caller cuts the work so that they are.
/// `@unchecked Sendable` for the same reason. It exists only while `RowParallel.forEach` holds the matrix exclusively.
@safe package struct SharedMatrix: ~Copyable, @unchecked Sendable {
    private let start: UnsafeMutablePointer<Float>?
    package let rows: Int
    package let columns: Int
    private let stride: Int

    fileprivate init(_ matrix: inout MutableMatrixView) {
        rows = matrix.rows
        columns = matrix.columns
        stride = matrix.stride
        unsafe start = matrix.elements.withUnsafeMutableBufferPointer { $0.baseAddress }
    }

    /// The tile at the crossing of those rows and columns.
    @_lifetime(borrow self)
    package func tile(rows rowRange: Range<Int>, columns columnRange: Range<Int>) -> MutableMatrixView {
        precondition(rowRange.lowerBound >= 0 && rowRange.upperBound <= rows)
        precondition(columnRange.lowerBound >= 0 && columnRange.upperBound <= columns)
        let offset = rowRange.lowerBound * stride + columnRange.lowerBound
        let count = rowRange.isEmpty ? 0 : (rowRange.count - 1) * stride + columnRange.count
        let span = unsafe MutableSpan(_unsafeElements: UnsafeMutableBufferPointer(start: start.map { unsafe $0 + offset }, count: count))
        let view = MutableMatrixView(span, rows: rowRange.count, columns: columnRange.count, stride: stride)
        return unsafe _overrideLifetime(view, borrowing: self)
    }
}
