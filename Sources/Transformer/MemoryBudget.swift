package import Checkpoints
internal import Storage
package import SystemPackage

/// How much memory a sweep may take, and the plan that keeps within it.
package struct MemoryBudget: Sendable {
    /// The process's bound, in bytes.
    package let bytes: Int

    /// What the process takes besides the sweep: code, tokenizer, the libraries' buffers.
    package static let overhead = 160 << 20

    /// Where the user gives no bound.
    package static let standard = MemoryBudget(bytes: 4 << 30)

    package init(bytes: Int) { self.bytes = bytes }

    /// The smallest budget, in bytes, in which the batch can be swept forward and backward, and others be scored beside it.
    package static func smallest(
        _ model: LanguageModel, _ batch: TokenBatch, needsEveryExample: Bool, scoring others: [TokenBatch] = [], unchangedLayers: Int = 0
    ) -> Int {
        let need = SweepNeed(model, batch, scoring: others, unchangedLayers: unchangedLayers)
        return need.peak(.least, chunkRows: need.fewestRows(needsEveryExample: needsEveryExample))
    }

    /// Throws `overBudget` where a budget of `smallest` bytes is needed and this one is less.
    package func check(smallest: Int) throws(TransformerError) {
        guard smallest <= bytes else { throw .overBudget(budget: bytes, smallest: smallest) }
    }

    /// A plan for sweeping the batch forward and backward, where others are scored forward while what goes back is kept. Throws
    /// `TransformerError.overBudget` with the smallest budget that would do.
    /// - Parameter unchangedLayers: layers from the first up that are the same in every pass.
    package func plan(
        _ model: LanguageModel, _ batch: TokenBatch, scratch: FilePath, needsEveryExample: Bool, scoring others: [TokenBatch] = [],
        unchangedLayers: Int = 0
    ) throws(TransformerError) -> SweepPlan {
        let need = SweepNeed(model, batch, scoring: others, unchangedLayers: unchangedLayers)
        let least = need.fewestRows(needsEveryExample: needsEveryExample)
        try check(smallest: need.peak(.least, chunkRows: least))
        let inMemory = SweepPlan.InMemory.allCases.first { need.peak($0, chunkRows: least) <= bytes } ?? .least
        let left = bytes - need.peak(inMemory, chunkRows: 0)
        let rows = batch.tokens.count
        let chunkRows = needsEveryExample ? rows : min(rows, max(least, left / need.bytesPerChunkRow(inMemory)))
        let candidates = (1...CandidateSweep.most).last { need.peak(inMemory, chunkRows: chunkRows, candidates: $0) <= bytes } ?? 1
        return SweepPlan(
            inMemory: inMemory, scratch: scratch, chunkRows: chunkRows, candidates: candidates, unchangedLayers: unchangedLayers,
            plannedPeak: need.peak(inMemory, chunkRows: chunkRows, candidates: candidates))
    }
}
