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

    /// Throws `overBudget` where a budget of `smallest` bytes is needed and this one is less.
    package func check(smallest: Int) throws(TransformerError) {
        guard smallest <= bytes else { throw .overBudget(budget: bytes, smallest: smallest) }
    }

    /// A plan for sweeps within this budget. Throws `TransformerError.overBudget` with the smallest budget that would do.
    package func plan(_ need: SweepNeed, scratch: FilePath) throws(TransformerError) -> SweepPlan {
        try check(smallest: need.smallest)
        let inMemory = SweepPlan.InMemory.allCases.first { need.peak($0, chunkRows: need.fewestRows) <= bytes } ?? .least
        let chunkRows = need.chunkRows(inMemory, left: bytes - need.peak(inMemory, chunkRows: 0))
        let candidates = (1...CandidateSweep.most).last { need.peak(inMemory, chunkRows: chunkRows, candidates: $0) <= bytes } ?? 1
        return SweepPlan(
            inMemory: inMemory, scratch: scratch, chunkRows: chunkRows, candidates: candidates, unchangedLayers: need.unchangedLayers,
            plannedPeak: need.peak(inMemory, chunkRows: chunkRows, candidates: candidates))
    }
}
