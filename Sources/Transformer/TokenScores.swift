/// What a model makes of every scored token of a batch, in the order of `TokenBatch.scoredRows`.
package struct TokenScores: Sendable {
    /// -log of the probability of the token that came, in nats.
    package var losses: [Float]
    /// Whether it was the likeliest token.
    package var isArgmax: [Bool]
    /// How many standard deviations its log-probability lies above the mean log-probability, both over tokens drawn from the model's
    /// distribution: what Min-K%++ (Zhang et al. 2024) sorts by. Empty where it was not asked for.
    package var standardized: [Float]

    package init(losses: [Float] = [], isArgmax: [Bool] = [], standardized: [Float] = []) {
        self.losses = losses
        self.isArgmax = isArgmax
        self.standardized = standardized
    }

    /// Mean loss of every example, summed in Double.
    package func meanLosses(_ batch: TokenBatch) -> [Double] {
        batch.exampleScoredRows.map { range in
            losses[range].reduce(0.0) { $0 + Double($1) } / Double(max(1, range.count))
        }
    }
}
