internal import Checkpoints
package import SystemPackage

/// How a sweep stays within its memory: whether layer inputs are kept, where, and how many token rows' gradient factors
/// are held at once. Results do not depend on it.
package struct SweepPlan: Sendable {
    /// Whether a backward sweep will follow.
    package var keepsInputs: Bool
    /// Where kept inputs are written; nil: they stay in memory.
    package var scratchDirectory: FilePath?
    /// Whether what lies between a layer's input and its output is kept too, rather than computed anew on the way back.
    package var keepsActivations: Bool
    /// Token rows of gradient factors at once.
    package var chunkRows: Int
    /// The most memory the process is to take, in bytes; 0 where it was not planned.
    package var plannedPeak: Int

    package init(
        keepsInputs: Bool, scratchDirectory: FilePath?, keepsActivations: Bool = false, chunkRows: Int, plannedPeak: Int = 0
    ) {
        self.keepsInputs = keepsInputs
        self.scratchDirectory = scratchDirectory
        self.keepsActivations = keepsActivations
        self.chunkRows = chunkRows
        self.plannedPeak = plannedPeak
    }

    /// Elements of a parameter that a tap forms every example's gradient of at once (one row at least).
    package static let tileElements = 1 << 15

    /// Forward only.
    package static let forward = SweepPlan(keepsInputs: false, scratchDirectory: nil, chunkRows: 0)
    /// Forward and backward, all in memory.
    package static let unbounded = SweepPlan(keepsInputs: true, scratchDirectory: nil, keepsActivations: true, chunkRows: Int.max)
}
