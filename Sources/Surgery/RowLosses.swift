/// What an edit's rows cost the model, each one's mean loss in nats a token.
struct RowLosses: Sendable {
    let rows: EditRows
    /// By the unedited model.
    let base: [Double]
    /// What first-order theory made of the steps so far.
    private(set) var predicted: [Double]
    private(set) var now: [Double]

    init(_ rows: EditRows, base: [Double]) { (self.rows, self.base, predicted, now) = (rows, base, base, base) }

    /// Of losses that were kept; nil where there are not as many as rows.
    init?(_ rows: EditRows, base: [Double], now: [Double], predicted: [Double]) {
        let count = rows.examples.count
        guard base.count == count, now.count == count, predicted.count == count else { return nil }
        (self.rows, self.base, self.now, self.predicted) = (rows, base, now, predicted)
    }

    mutating func move(to losses: [Double], predicted changes: [Double]) {
        now = losses
        for (index, change) in changes.enumerated() { predicted[index] += change }
    }

    /// The mean over the records to forget.
    var meanForget: Double { rows.forgetMean(now) }
    /// Nil where there are none.
    var meanKeep: Double? { rows.keep.isEmpty ? nil : mean(now[rows.keep]) }
}

/// The mean, in Double.
func mean(_ values: some Collection<Double>) -> Double { values.reduce(0, +) / Double(max(1, values.count)) }
