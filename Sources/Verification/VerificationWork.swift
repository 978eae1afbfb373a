internal import Checkpoints
package import Storage
package import Transformer

extension Verification {
    /// What is measured besides the texts, as far as it takes memory.
    package struct Work {
        /// Further records that are scored.
        let records: [TextRecord]
        /// Records of which so many variants are scored together.
        let varied: [TextRecord]
        let variants: Int
        let tasks: [TaskExamples]
        /// How many tokens are written after a record.
        let written: Int
        /// How often the texts are scored once more with rounded weights.
        let roundings: Int

        package init(
            records: [TextRecord] = [], varied: [TextRecord] = [], variants: Int = 0, tasks: [TaskExamples] = [], written: Int = 0,
            roundings: Int = 0
        ) {
            (self.records, self.varied, self.variants) = (records, varied, variants)
            (self.tasks, self.written, self.roundings) = (tasks, written, roundings)
        }
    }

    /// Bytes that a token of a text takes while it is compared: itself, its record's text, and figures of it.
    private static let bytesPerComparedToken = 160
    /// The same where it is only scored.
    private static let bytesPerToken = 48

    /// Plans the sweeps so that the process keeps within its memory. Throws `overBudget`, before anything is measured, where it cannot, with
    /// the smallest budget that would do.
    package mutating func plan(_ work: Work, within budget: MemoryBudget) throws {
        let examples = texts.all.flatMap(\.text.examples)
        let further = try encoder.lengths(of: work.records) + work.tasks.flatMap(\.lengths)
        let varied = try encoder.lengths(of: work.varied)
        let scored = further.reduce(0, +) + varied.reduce(0, +) * (work.variants + 1)
        let longest = (examples.flatMap(\.windows).map(\.inputs.count) + further + varied).max() ?? 0
        let compared = examples.reduce(0) { $0 + $1.windows.reduce(0) { $0 + $1.inputs.count } }
        let others = verifier.models + (verifier.reference.map { [$0] } ?? [])
        heldBytes = compared * (Self.bytesPerComparedToken + Self.bytesPerToken * work.roundings) + scored * Self.bytesPerToken
        verifier.plan = try ScoringPlan(
            others, longestWindow: min(encoder.contextLength, longest + work.written), held: heldBytes, budget: budget)
    }

    /// The most memory that the process is to take, in bytes.
    package var plannedPeak: Int { verifier.plan.plannedPeak }
}

extension RecordEncoder {
    /// How many tokens of each record go through a model at once.
    func lengths(of records: [TextRecord]) throws -> [Int] {
        var text = textEncoder()
        return try records.map { record in min(contextLength, start(of: record).count + (try tokens(record, by: &text)).ids.count) }
    }
}
