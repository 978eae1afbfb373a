import Synchronization
import Tensors
import TestSupport
import Testing

/// Work shared among 1 to 5 threads.
@Suite struct RowParallelTests {
    @Test(arguments: [1, 2, 3, 5], [0, 1, 2, 7, 1000])
    func everyPieceIsDoneOnce(threads: Int, pieces: Int) {
        let done = Mutex([Int](repeating: 0, count: pieces))
        withThreads(threads) {
            RowParallel.forEach(pieces) { piece in done.withLock { $0[piece] += 1 } }
        }
        #expect(done.withLock { $0 } == Array(repeating: 1, count: pieces))
    }

    @Test(arguments: [1, 2, 3, 5])
    func resultsComeInOrder(threads: Int) {
        withThreads(threads) { #expect(RowParallel.map(100) { $0 * $0 } == (0..<100).map { $0 * $0 }) }
        #expect(RowParallel.map(0) { $0 }.isEmpty)
    }

    private struct Failure: Error, Equatable { let name: String }

    /// Whichever fails, both have ended when the error comes.
    @Test(arguments: [1, 2])
    func bothAreDone(threads: Int) throws {
        for failing in [[], ["one"], ["other"], ["one", "other"]] {
            let done = Mutex<Set<String>>([])
            @Sendable func work(_ name: String) throws {
                done.withLock { _ = $0.insert(name) }
                if failing.contains(name) { throw Failure(name: name) }
            }
            var found: Failure?
            withThreads(threads) {
                do { try RowParallel.both({ try work("one") }, { try work("other") }) } catch { found = error as? Failure }
            }
            #expect(done.withLock { $0 } == ["one", "other"])
            #expect(found == failing.first.map(Failure.init))
        }
    }

    /// Also while the number of threads changes under them.
    @Test func bothAreDoneOnceWhateverTheThreads() throws {
        let done = Mutex([0, 0])
        let isOver = Atomic(false)
        @Sendable func count(_ index: Int) { done.withLock { $0[index] += 1 } }
        try withThreads(2) {
            try RowParallel.both(
                {
                    for _ in 0..<20_000 { try RowParallel.both({ count(0) }, { count(1) }) }
                    isOver.store(true, ordering: .relaxed)
                },
                { while !isOver.load(ordering: .relaxed) { RowParallel.threads = 3 - RowParallel.threads } })
        }
        #expect(done.withLock { $0 } == [20_000, 20_000])
    }

    @Test(arguments: [1, 2, 3, 5])
    func piecesWriteTheirOwnTiles(threads: Int) {
        var first = Matrix(rows: 9, columns: 12)
        var second = Matrix(rows: 9, columns: 4)
        withThreads(threads) {
            var left = first.mutableView
            var right = second.mutableView
            var inner = left.columns(2..<11)
            // 27 tiles of one row and three columns; one element of the other matrix for each.
            RowParallel.forEach(27, writing: &inner, &right) { piece, left, right in
                var tile = left.tile(rows: piece / 3..<piece / 3 + 1, columns: piece % 3 * 3..<piece % 3 * 3 + 3)
                var row = tile.row(0)
                for column in row.indices { row[column] += Float(piece + 1) }
                var mark = right.tile(rows: piece / 3..<piece / 3 + 1, columns: piece % 3..<piece % 3 + 1)
                mark.elements[0] += Float(piece + 1)
            }
        }
        for row in 0..<9 {
            let tiles = (0..<3).map { Float(3 * row + $0 + 1) }
            let expected: [Float] = [0, 0] + (0..<9).map { tiles[$0 / 3] } + [0]
            #expect((0..<12).map { first.elements[row * 12 + $0] } == expected)
            #expect((0..<4).map { second.elements[row * 4 + $0] } == tiles + [0])
        }
    }

    /// Also where the last block is not full, or larger than the matrix.
    @Test(arguments: [1, 2, 3, 5], [1, 4, 10, 64])
    func blocksCoverEveryRowOnce(threads: Int, perBlock: Int) {
        var matrix = Matrix(rows: 10, columns: 3)
        withThreads(threads) {
            var view = matrix.mutableView
            RowParallel.rows(of: &view, perBlock: perBlock) { range, rows in
                for index in range {
                    var row = rows.row(index - range.lowerBound)
                    for column in row.indices { row[column] += Float(index + 1) }
                }
            }
        }
        let expected = (0..<30).map { Float($0 / 3 + 1) }
        #expect((0..<30).map { matrix.elements[$0] } == expected)
    }

    @Test func thereIsAlwaysOneThread() {
        withThreads(0) { #expect(RowParallel.threads == 1) }
    }

    /// Products are cut into tiles by their shape alone: the last is of 2 tiles down by 4 across.
    @Test(arguments: [(7, 5, 3), (600, 90, 40), (64, 1700, 16), (1000, 520, 70)])
    func productsHaveTheSameBitsOnAnyNumberOfThreads(shape: (Int, Int, Int)) {
        let (m, n, k) = shape
        let (left, right) = (noise(m * k, seed: 8), noise(k * n, seed: 9))
        func bits(threads: Int) -> [UInt32] {
            var product = Matrix(rows: m, columns: n)
            withThreads(threads) {
                var output = product.mutableView
                LinearAlgebra.multiply(
                    MatrixView(left.span, rows: m, columns: k), MatrixView(right.span, rows: k, columns: n), into: &output)
            }
            return (0..<m * n).map { product.elements[$0].bitPattern }
        }
        let alone = bits(threads: 1)
        let areSame = bits(threads: 2) == alone && bits(threads: 3) == alone
        #expect(areSame)
    }
}
