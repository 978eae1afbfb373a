import Testing
import Transformer

/// How examples are laid out as rows and cut, on batches of random lengths: mostly short examples, some longer than a
/// micro-batch, and windows that are longer than one by themselves.
@Suite struct TokenBatchTests {
    static let seeds = UInt64(1)...6

    private func examples(seed: UInt64) -> [Example] {
        var random = SeededGenerator(seed: seed)
        return (0..<40).map { _ in
            let windows = Int.random(in: 0..<5, using: &random) == 0 ? Int.random(in: 2...5, using: &random) : 1
            return Example(
                windows: (0..<windows).map { _ in
                    let longest = [50, 50, 50, 600, 1500, 3000].randomElement(using: &random) ?? 1
                    let length = Int.random(in: 1...longest, using: &random)
                    return Window(
                        inputs: (0..<length).map { _ in Int32.random(in: 0..<100, using: &random) },
                        targets: (0..<length).map { _ in Int32.random(in: 0..<3, using: &random) - 1 })
                })
        }
    }

    private func rows(_ pieces: ArraySlice<TokenBatch.MicroBatch>) -> Range<Int> {
        (pieces.first?.rows.lowerBound ?? 0)..<(pieces.last?.rows.upperBound ?? 0)
    }

    @Test(arguments: seeds)
    func rowsAreTheExamplesInOrder(seed: UInt64) {
        let examples = examples(seed: seed)
        let batch = TokenBatch(examples)
        let windows = examples.flatMap(\.windows)
        // Compared before `#expect` sees them: it would look for the shortest list of differences of long arrays.
        let areTokens = batch.tokens == windows.flatMap(\.inputs)
        let areTargets = batch.targets == windows.flatMap(\.targets)
        let arePositions = batch.positions == windows.flatMap { (0..<$0.inputs.count).map(Int32.init) }
        #expect(areTokens && areTargets && arePositions, "\(areTokens) \(areTargets) \(arePositions)")
        #expect(batch.exampleRows.map(\.count) == examples.map { $0.windows.reduce(0) { $0 + $1.inputs.count } })
        #expect(tile(batch.exampleRows, 0..<batch.tokens.count))
        #expect(batch.longestSegment == windows.map(\.inputs.count).max())
    }

    @Test(arguments: seeds)
    func scoredRowsAreThoseWithTargets(seed: UInt64) {
        let examples = examples(seed: seed)
        let batch = TokenBatch(examples)
        let areRows = batch.scoredRows == batch.targets.indices.filter { batch.targets[$0] != Window.unscored }
        let areTargets = batch.scoredTargets == batch.targets.filter { $0 != Window.unscored }
        #expect(areRows && areTargets)
        #expect(batch.exampleScoredRows.map(\.count) == examples.map(\.scoredTokens))
        #expect(tile(batch.exampleScoredRows, 0..<batch.scoredRows.count))
        let isWithin = zip(batch.exampleScoredRows, batch.exampleRows).allSatisfy { scored, rows in
            batch.scoredRows[scored].allSatisfy(rows.contains)
        }
        #expect(isWithin)
    }

    @Test(arguments: seeds)
    func microBatchesHoldEveryWindowWhole(seed: UInt64) {
        let examples = examples(seed: seed)
        let batch = TokenBatch(examples)
        #expect(tile(batch.microBatches.map(\.rows), 0..<batch.tokens.count))
        #expect(batch.microBatches.flatMap { $0.segments.map(\.count) } == examples.flatMap { $0.windows.map(\.inputs.count) })
        for piece in batch.microBatches {
            #expect(tile(piece.segments, 0..<piece.rows.count))
            #expect(piece.rows.count <= TokenBatch.largestMicroBatch || piece.segments.count == 1)
        }
        #expect(batch.largestMicroBatchRows == batch.microBatches.map(\.rows.count).max())
    }

    /// Only an example that is longer than a micro-batch is torn, and shares none with others; whole ones share as many as fit.
    @Test(arguments: seeds)
    func examplesAreNotTornWhereTheyNeedNotBe(seed: UInt64) {
        let batch = TokenBatch(examples(seed: seed))
        let largest = TokenBatch.largestMicroBatch
        let ends = Set(batch.exampleRows.map(\.upperBound))
        for rows in batch.exampleRows {
            let touched = batch.microBatches.filter { $0.rows.overlaps(rows) }
            if rows.count <= largest {
                #expect(touched.count == 1)
            } else {
                #expect((touched[0].rows.lowerBound, touched[touched.count - 1].rows.upperBound) == (rows.lowerBound, rows.upperBound))
            }
        }
        for (piece, next) in zip(batch.microBatches, batch.microBatches.dropFirst()) where piece.rows.count <= largest {
            let following = batch.exampleRows.first { $0.contains(next.rows.lowerBound) }?.count ?? 0
            let isPartOfOne = batch.exampleRows.contains { $0.count > largest && $0.overlaps(piece.rows) }
            #expect(isPartOfOne || piece.rows.count + following > largest)
            #expect(isPartOfOne || ends.contains(piece.rows.upperBound))
        }
    }

    @Test(arguments: seeds, [1, 100, 2048, 2049, 5000, 20_000, Int.max])
    func chunksCoverEverythingOnceAndEndWithExamples(seed: UInt64, limit: Int) throws {
        let batch = TokenBatch(examples(seed: seed))
        let chunks = batch.chunks(ofRows: limit)
        #expect(tile(chunks.map(\.examples), 0..<batch.exampleRows.count))
        #expect(tile(chunks.map(\.microBatches), 0..<batch.microBatches.count))
        for chunk in chunks {
            try #require(!chunk.examples.isEmpty)
            let rows = rows(batch.microBatches[chunk.microBatches])
            #expect(rows.lowerBound == batch.exampleRows[chunk.examples.lowerBound].lowerBound)
            #expect(rows.upperBound == batch.exampleRows[chunk.examples.upperBound - 1].upperBound)
            // Above the limit only what cannot be cut: no micro-batch but the last ends with an example.
            let ends = Set(batch.exampleRows.map(\.upperBound))
            let inner = batch.microBatches[chunk.microBatches].dropLast()
            #expect(rows.count <= limit || !inner.contains { ends.contains($0.rows.upperBound) })
        }
        #expect(limit < Int.max || chunks.count == 1)
    }

    /// A chunk takes as much as fits: with what the next one cannot be without, it would be above the limit.
    @Test(arguments: seeds, [100, 2048, 5000, 20_000])
    func chunksAreAsLargeAsTheyMayBe(seed: UInt64, limit: Int) {
        let batch = TokenBatch(examples(seed: seed))
        let chunks = batch.chunks(ofRows: limit)
        let smallest = batch.chunks(ofRows: 1)
        for (chunk, next) in zip(chunks, chunks.dropFirst()) {
            let first = smallest.first { $0.microBatches.lowerBound == next.microBatches.lowerBound }
            let both = rows(batch.microBatches[chunk.microBatches.lowerBound..<(first?.microBatches.upperBound ?? 0)])
            #expect(both.count > limit)
        }
    }

    @Test func manyWindowsOfOneExampleStayOneChunk() {
        let window = Window(inputs: Array(repeating: 5, count: 1000), targets: Array(repeating: 6, count: 1000))
        let batch = TokenBatch([
            Example(windows: [window]), Example(windows: Array(repeating: window, count: 7)), Example(windows: [window]),
        ])
        #expect(batch.microBatches.map(\.rows) == [0..<1000, 1000..<3000, 3000..<5000, 5000..<7000, 7000..<8000, 8000..<9000])
        let chunks = batch.chunks(ofRows: 1)
        #expect(chunks.map(\.examples) == [0..<1, 1..<2, 2..<3])
        #expect(chunks.map(\.microBatches) == [0..<1, 1..<5, 5..<6])
    }

    @Test func nothingHasNoRowsAndNoChunks() {
        let batch = TokenBatch([])
        #expect(batch.tokens.isEmpty && batch.microBatches.isEmpty && batch.chunks(ofRows: 1).isEmpty)
        #expect((batch.longestSegment, batch.largestMicroBatchRows) == (0, 0))
    }

    @Test func meanLossesAreByExample() {
        let batch = TokenBatch([
            Example(windows: [Window(inputs: [1, 2, 3], targets: [2, Window.unscored, 4]), Window(inputs: [7], targets: [8])]),
            Example(windows: [Window(inputs: [1], targets: [Window.unscored])]), Example(windows: [Window(inputs: [5], targets: [6])]),
        ])
        #expect(TokenScores(losses: [1, 2, 6, 5]).meanLosses(batch) == [3, 0, 5])
    }

    /// Whether the ranges follow one another without gaps and make up the whole.
    private func tile(_ ranges: [Range<Int>], _ whole: Range<Int>) -> Bool {
        ranges.first?.lowerBound == whole.lowerBound && ranges.last?.upperBound == whole.upperBound
            && zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound }
    }
}
