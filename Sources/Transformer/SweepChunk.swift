/// Examples that go back through a layer together. Their rows are counted from the first of them.
struct SweepChunk {
    let examples: Range<Int>
    /// Rows of each of them.
    let exampleRows: [Range<Int>]
    /// The numbers of their micro-batches, and the rows of each.
    let microBatches: [(number: Int, rows: Range<Int>)]
    let rowCount: Int
    /// Whether no example of the batch comes after.
    let isLast: Bool

    init(_ batch: TokenBatch, _ examples: Range<Int>, _ microBatches: Range<Int>) {
        let rows = batch.rows(of: microBatches)
        self.examples = examples
        exampleRows = batch.exampleRows[examples].map { $0.shifted(by: -rows.lowerBound) }
        self.microBatches = microBatches.map { ($0, batch.microBatches[$0].rows.shifted(by: -rows.lowerBound)) }
        rowCount = rows.count
        isLast = examples.upperBound == batch.exampleRows.count
    }
}

extension TokenBatch {
    func rows(of pieces: Range<Int>) -> Range<Int> {
        microBatches[pieces.lowerBound].rows.lowerBound..<microBatches[pieces.upperBound - 1].rows.upperBound
    }
}

extension Range<Int> {
    func shifted(by distance: Int) -> Range<Int> { lowerBound + distance..<upperBound + distance }
}
