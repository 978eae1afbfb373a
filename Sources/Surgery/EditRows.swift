internal import Transformer

/// The records that an edit is about, as the rows of A: those to forget, in parts or whole, those to keep and those held, in this order.
struct EditRows: Sendable {
    /// A part of a record to forget.
    struct Part: Sendable {
        let record: Int
        /// Of the record's scored tokens.
        let share: Double
        let isCopied: Bool

        /// Whether it is to be left where it was: what could be copied, beside what is new. A record that has nothing new is to be forgotten
        /// by what could be copied.
        var isHeldDown: Bool { isCopied && share < 1 }
    }

    let examples: [Example]
    let parts: [Part]
    let keep: Range<Int>
    /// Neighbours and unseen records, each held at its own loss.
    let held: Range<Int>

    var forget: Range<Int> { parts.indices }

    /// - Parameter splitting: whether what could be copied of a record to forget is a row of its own.
    init(_ records: EditRecords, splitting: Bool) {
        var (forget, parts) = ([Example](), [Part]())
        for (index, record) in records.forget.enumerated() {
            let split = CopiedTokens(of: record)
            guard splitting, let new = split.new, let copied = split.copied else {
                forget.append(record)
                parts.append(Part(record: index, share: 1, isCopied: splitting && split.new == nil))
                continue
            }
            for (example, isCopied) in [(new, false), (copied, true)] {
                forget.append(example)
                parts.append(
                    Part(record: index, share: Double(example.scoredTokens) / Double(record.scoredTokens), isCopied: isCopied))
            }
        }
        examples = forget + records.keep + records.held
        self.parts = parts
        keep = forget.count..<forget.count + records.keep.count
        held = keep.upperBound..<keep.upperBound + records.held.count
    }

    /// How many records are to be forgotten.
    private var forgetCount: Int { (parts.last?.record ?? -1) + 1 }

    /// A number for each row as one for each record.
    func byRecord(_ values: [Double]) -> [Double] {
        var records = [Double](repeating: 0, count: forgetCount)
        for (part, value) in zip(parts, values) { records[part.record] += part.share * value }
        return records + values[forget.upperBound...]
    }

    /// The mean over the records to forget.
    func forgetMean(_ values: [Double]) -> Double { mean(byRecord(values).prefix(forgetCount)) }
}
