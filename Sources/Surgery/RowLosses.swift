/// What the records that an edit is about cost the model, each one's mean loss in nats a token: those to forget, those to keep and those
/// held, in this order. They are the rows of A.
struct RowLosses: Sendable {
    let forget: Range<Int>
    let keep: Range<Int>
    /// Neighbours and unseen records, each held at its own loss.
    let held: Range<Int>
    /// By the unedited model.
    let base: [Double]
    /// What first-order theory made of the steps so far.
    private(set) var predicted: [Double]
    private(set) var now: [Double]

    init(_ records: EditRecords, base: [Double]) {
        forget = 0..<records.forget.count
        keep = forget.upperBound..<forget.upperBound + records.keep.count
        held = keep.upperBound..<keep.upperBound + records.held.count
        (self.base, predicted, now) = (base, base, base)
    }

    /// Of losses that were kept; nil where there are not as many as records.
    init?(_ records: EditRecords, base: [Double], now: [Double], predicted: [Double]) {
        let count = records.forget.count + records.keep.count + records.held.count
        guard base.count == count, now.count == count, predicted.count == count else { return nil }
        self.init(records, base: base)
        (self.now, self.predicted) = (now, predicted)
    }

    mutating func move(to losses: [Double], predicted changes: [Double]) {
        now = losses
        for (index, change) in changes.enumerated() { predicted[index] += change }
    }

    var meanForget: Double { mean(now[forget]) }
    /// Nil where there are none.
    var meanKeep: Double? { keep.isEmpty ? nil : mean(now[keep]) }
}

/// The mean, in Double.
func mean(_ values: some Collection<Double>) -> Double { values.reduce(0, +) / Double(max(1, values.count)) }
