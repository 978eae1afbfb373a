package import SystemPackage

/// How a sweep stays within its memory. Results do not depend on it.
package struct SweepPlan: Sendable {
    /// What of a sweep that goes back lies in memory, from most to least: each has what those after it have.
    package enum InMemory: Int, Sendable, CaseIterable {
        /// What lies between each layer's input and its output; otherwise it is computed anew on the way back.
        case activations
        /// Each layer's input; otherwise it is in scratch.
        case inputs
        /// What the head left, and a layer's gradient factors of a chunk; otherwise they are in scratch, and those of one linear map in
        /// memory when it is shown.
        case factors
        /// What a micro-batch takes.
        case least
    }

    /// Whether a backward sweep will follow.
    package let goesBack: Bool
    package let inMemory: InMemory
    /// Token rows of gradient factors at once, where a tap takes examples in parts.
    package let chunkRows: Int
    /// Versions of the weights that other batches are scored with at once.
    package let candidates: Int
    /// Layers from the first up that are the same in every pass, with what enters them.
    package let unchangedLayers: Int
    /// The most memory the process is to take, in bytes; 0 where it was not planned.
    package let plannedPeak: Int
    private let scratch: FilePath?

    /// A sweep forward and backward.
    /// - Parameter scratch: where what is not in memory is written; needed where inputs or factors are not.
    package init(
        inMemory: InMemory, scratch: FilePath? = nil, chunkRows: Int, candidates: Int = CandidateSweep.most, unchangedLayers: Int = 0,
        plannedPeak: Int = 0
    ) {
        precondition(scratch != nil || inMemory.rawValue <= InMemory.inputs.rawValue)
        goesBack = true
        (self.inMemory, self.scratch, self.chunkRows) = (inMemory, scratch, chunkRows)
        (self.candidates, self.unchangedLayers, self.plannedPeak) = (candidates, unchangedLayers, plannedPeak)
    }

    private init() {
        goesBack = false
        (inMemory, scratch, chunkRows, candidates, unchangedLayers, plannedPeak) = (.inputs, nil, 0, 1, 0, 0)
    }

    /// Whether something lies in memory.
    func holds(_ what: InMemory) -> Bool { inMemory.rawValue <= what.rawValue }

    /// The directory of the scratch files that something lies in; nil: it is in memory.
    func place(of what: InMemory) -> FilePath? { holds(what) ? nil : scratch }

    /// Elements of a parameter that are read and written at once.
    package static let pieceElements = 1 << 15
    /// Elements of a parameter, of so many columns, that a tap forms the gradients of so many examples of at once (one row at least). For
    /// each tile all of the examples' factors are read, which takes longer than all else where its rows are few beside an example's
    /// tokens: 64 rows, where no more than 64 MiB hold them; but a tile that stays in the cache is passed fastest.
    package static func tileElements(columns: Int, examples: Int) -> Int {
        max(pieceElements, min(64 * columns, (1 << 24) / max(1, examples)))
    }

    /// Forward only.
    package static let forward = SweepPlan()
    /// Forward and backward, all in memory.
    package static let unbounded = SweepPlan(inMemory: .activations, chunkRows: Int.max)
}
