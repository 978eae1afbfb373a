/// A run of tokens that attends only to itself: a record, or one window of a record longer than the context.
package struct Window: Sendable, Hashable {
    /// What goes in, one token a row.
    package var inputs: [Int32]
    /// What each row is to predict; `unscored` where its prediction does not count.
    package var targets: [Int32]

    package static let unscored: Int32 = -1

    package init(inputs: [Int32], targets: [Int32]) {
        precondition(inputs.count == targets.count && !inputs.isEmpty)
        self.inputs = inputs
        self.targets = targets
    }
}

/// What one loss is the mean over: a record's windows.
package struct Example: Sendable {
    package var windows: [Window]

    package init(windows: [Window]) {
        precondition(!windows.isEmpty)
        self.windows = windows
    }

    package var scoredTokens: Int { windows.reduce(0) { $0 + $1.targets.count { $0 != Window.unscored } } }
}

/// Examples laid out as rows, one a token, and cut into micro-batches by their lengths alone: what a row computes does not
/// depend on the memory budget.
package struct TokenBatch: Sendable {
    /// Rows that are computed together: whole windows, at most `largestMicroBatch` rows unless one window is longer.
    package struct MicroBatch: Sendable {
        package let rows: Range<Int>
        /// The windows' rows, counted from the micro-batch's first.
        package let segments: [Range<Int>]
    }

    package let tokens: [Int32]
    package let targets: [Int32]
    /// Rows of each example, in order.
    package let exampleRows: [Range<Int>]
    package let microBatches: [MicroBatch]
    /// The rows whose predictions count, in order, and each example's range of them.
    package let scoredRows: [Int]
    package let exampleScoredRows: [Range<Int>]
    /// The longest window.
    package let longestSegment: Int

    package static let largestMicroBatch = 2048

    /// - Parameter rowsPerMicroBatch: the most rows of a micro-batch, unless one window is longer.
    package init(_ examples: [Example], rowsPerMicroBatch: Int = largestMicroBatch) {
        var tokens: [Int32] = []
        var targets: [Int32] = []
        var exampleRows: [Range<Int>] = []
        var exampleScoredRows: [Range<Int>] = []
        var scoredRows: [Int] = []
        var microBatches: [MicroBatch] = []
        var segments: [Range<Int>] = []
        var start = 0
        func close() {
            if !segments.isEmpty { microBatches.append(MicroBatch(rows: start..<tokens.count, segments: segments)) }
            segments = []
            start = tokens.count
        }
        var longest = 0
        for example in examples {
            let (first, firstScored) = (tokens.count, scoredRows.count)
            // A micro-batch holds whole examples, or a part of one: examples are never torn where they need not be.
            let rows = example.windows.reduce(0) { $0 + $1.inputs.count }
            if tokens.count - start + rows > rowsPerMicroBatch { close() }
            for window in example.windows {
                if tokens.count - start + window.inputs.count > rowsPerMicroBatch { close() }
                segments.append(tokens.count - start..<tokens.count - start + window.inputs.count)
                for (index, target) in window.targets.enumerated() where target != Window.unscored {
                    scoredRows.append(tokens.count + index)
                }
                tokens += window.inputs
                targets += window.targets
                longest = max(longest, window.inputs.count)
            }
            if rows > rowsPerMicroBatch { close() }
            exampleRows.append(first..<tokens.count)
            exampleScoredRows.append(firstScored..<scoredRows.count)
        }
        close()
        self.tokens = tokens
        self.targets = targets
        self.exampleRows = exampleRows
        self.microBatches = microBatches
        self.scoredRows = scoredRows
        self.exampleScoredRows = exampleScoredRows
        longestSegment = longest
    }

    /// The most rows of any micro-batch.
    package var largestMicroBatchRows: Int { microBatches.reduce(0) { max($0, $1.rows.count) } }

    /// Position of every row within its window.
    package var positions: [Int32] {
        microBatches.flatMap { $0.segments.flatMap { (0..<$0.count).map(Int32.init) } }
    }

    /// Consecutive examples, as many at a time as `rows` rows hold (one at least), cut where micro-batches end.
    package func chunks(ofRows rows: Int) -> [(examples: Range<Int>, microBatches: Range<Int>)] {
        var chunks: [(examples: Range<Int>, microBatches: Range<Int>)] = []
        var (firstExample, example, firstBatch) = (0, 0, 0)
        for (index, batch) in microBatches.enumerated() {
            while example < exampleRows.count && exampleRows[example].upperBound <= batch.rows.upperBound { example += 1 }
            let endsWithExample = example > firstExample && exampleRows[example - 1].upperBound == batch.rows.upperBound
            guard endsWithExample else { continue }
            // The next piece, up to the end of its example, decides whether this chunk is full.
            let reach =
                example < exampleRows.count
                ? max(exampleRows[example].upperBound, index + 1 < microBatches.count ? microBatches[index + 1].rows.upperBound : 0)
                : Int.max
            if reach - microBatches[firstBatch].rows.lowerBound > rows || index + 1 == microBatches.count {
                chunks.append((firstExample..<example, firstBatch..<index + 1))
                (firstExample, firstBatch) = (example, index + 1)
            }
        }
        return chunks
    }
}
