import Verification

/// Scores of made-up texts.
enum MadeScore {
    static func text(_ records: [(tokens: Int, nll: Double, greedyMatches: Int)]) -> TextScore {
        TextScore(
            records: records.map {
                var record = RecordScore()
                (record.tokens, record.nll, record.greedyMatches) = $0
                return record
            })
    }
}
