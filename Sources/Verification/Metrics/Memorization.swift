/// How much of a text a model knows by heart, told from its own next-token choices along the true text.
extension TextScore {
    /// The mean over records of the share of scored tokens that are the argmax (Tirumala et al. 2022).
    package var exactMemorization: Double { mean { Double($0.greedyMatches) / Double($0.tokens) } }

    /// The mean over records of their extraction strength.
    package var extractionStrength: Double { mean(\.extractionStrength) }

    private func mean(_ value: (RecordScore) -> Double) -> Double { records.reduce(0) { $0 + value($1) } / Double(records.count) }
}

extension RecordScore {
    /// 1 - k / n for the shortest beginning of k of the record's n scored tokens after which greedy decoding recites all the rest (Carlini et
    /// al. 2021, as Wang et al. 2025 measure it): 1 where all is recited, 0 where not even the last token is.
    package var extractionStrength: Double {
        guard tokens > 0 else { return .nan }
        let suffix = isArgmax.reversed().prefix { $0 }.count
        return Double(suffix) / Double(tokens)
    }
}
