package import Checkpoints
package import Tensors

/// The next-token distributions at some rows, from a map to logits that is read a slice of the vocabulary at a time: of a small model
/// with a large vocabulary the whole map would be most of the memory.
package enum VocabularySlices {
    /// Tokens of a slice: by the model's shape alone, some 8 MiB of the map.
    static func height(_ configuration: ModelConfiguration) -> Int {
        min(configuration.vocabularySize, max(256, (1 << 21) / configuration.embeddingSize))
    }

    static func ranges(_ configuration: ModelConfiguration) -> [Range<Int>] {
        let (size, height) = (configuration.vocabularySize, height(configuration))
        return stride(from: 0, to: size, by: height).map { $0..<min(size, $0 + height) }
    }

    /// Calls `visit` with the logits of every slice of the vocabulary at each of `rows` (n x C, the last layer's output), tile by tile.
    ///
    /// - Parameter runs: rows that are computed together, by their places among `rows`.
    package static func forEach(
        _ model: LanguageModel, from source: any WeightSource, _ rows: borrowing Matrix, runs: [Range<Int>],
        _ visit: (_ tokens: Range<Int>, _ rows: Range<Int>, _ logits: MatrixView) throws -> Void
    ) throws {
        for tokens in ranges(model.configuration) {
            let head = try DecoderHead(model, from: source, vocabulary: tokens)
            for run in runs {
                try head.logits(of: rows.rows(run)) { range, tile in try visit(tokens, range.shifted(by: run.lowerBound), tile.view) }
            }
        }
    }
}

extension TokenScores {
    /// Scores `rows` (n x C, the last layer's output) against their targets, standardised log-probabilities too.
    ///
    /// - Parameter runs: rows that are computed together, by their places among `rows`.
    package init(
        _ model: LanguageModel, from source: any WeightSource, _ rows: borrowing Matrix, runs: [Range<Int>], targets: [Int32]
    ) throws {
        var moments = [NextTokenMoments](repeating: NextTokenMoments(), count: rows.rows)
        var found = [Float](repeating: .nan, count: rows.rows)
        try VocabularySlices.forEach(model, from: source, rows, runs: runs) { tokens, range, logits in
            let parts = RowParallel.map(range.count) { NextTokenMoments(logits.row($0), from: tokens.lowerBound) }
            for (place, row) in range.enumerated() {
                moments[row].add(parts[place])
                if tokens.contains(Int(targets[row])) { found[row] = logits.row(place)[Int(targets[row]) - tokens.lowerBound] }
            }
        }
        self.init(moments, logits: found, targets: targets)
    }

    init(_ moments: [NextTokenMoments], logits: [Float], targets: [Int32]) {
        self.init(
            losses: zip(moments, logits).map { Float($0.loss($1)) }, isArgmax: zip(moments, targets).map { $0.best == Int($1) },
            standardized: zip(moments, logits).map { Float($0.standardized($1)) })
    }
}

extension TokenBatch {
    /// The scored rows of each micro-batch that has any, by their places among all scored rows.
    package var scoredRuns: [Range<Int>] {
        var runs: [Range<Int>] = []
        var start = 0
        for batch in microBatches {
            var end = start
            while end < scoredRows.count, scoredRows[end] < batch.rows.upperBound { end += 1 }
            if end > start { runs.append(start..<end) }
            start = end
        }
        return runs
    }
}
