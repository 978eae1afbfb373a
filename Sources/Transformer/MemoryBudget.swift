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

    /// The smallest budget, in bytes, in which the batch can be swept forward and backward.
    package static func smallest(_ model: LanguageModel, _ batch: TokenBatch, needsEveryExample: Bool) -> Int {
        let need = SweepNeed(model, batch)
        return need.peak(keptInMemory: false, activations: false, chunkRows: need.fewestRows(needsEveryExample: needsEveryExample))
    }

    /// Throws `overBudget` where a budget of `smallest` bytes is needed and this one is less.
    package func check(smallest: Int) throws(TransformerError) {
        guard smallest <= bytes else { throw .overBudget(budget: bytes, smallest: smallest) }
    }

    /// A plan for sweeping the batch forward and backward. Throws `TransformerError.overBudget` with the smallest budget
    /// that would do.
    package func plan(
        _ model: LanguageModel, _ batch: TokenBatch, scratch: FilePath, needsEveryExample: Bool
    ) throws(TransformerError) -> SweepPlan {
        let need = SweepNeed(model, batch)
        let rows = batch.tokens.count
        let least = need.fewestRows(needsEveryExample: needsEveryExample)
        try check(smallest: need.peak(keptInMemory: false, activations: false, chunkRows: least))
        let ways = [(memory: true, activations: true), (memory: true, activations: false), (memory: false, activations: false)]
        let way = ways.first { need.peak(keptInMemory: $0.memory, activations: $0.activations, chunkRows: least) <= bytes } ?? ways[2]
        let left = bytes - need.peak(keptInMemory: way.memory, activations: way.activations, chunkRows: 0)
        let chunkRows = needsEveryExample ? rows : min(rows, max(least, left / need.bytesPerChunkRow))
        return SweepPlan(
            keepsInputs: true, scratchDirectory: way.memory ? nil : scratch, keepsActivations: way.activations, chunkRows: chunkRows,
            plannedPeak: need.peak(keptInMemory: way.memory, activations: way.activations, chunkRows: chunkRows))
    }
}

/// What a forward and backward sweep of a batch takes, in bytes.
struct SweepNeed {
    private let configuration: ModelConfiguration
    private let batch: TokenBatch
    private let shape: LayerShape
    private let layerParameters: Int
    private let layout: TensorLayout

    init(_ model: LanguageModel, _ batch: TokenBatch) {
        configuration = model.configuration
        shape = LayerShape(model)
        self.batch = batch
        layout = model.layout
        layerParameters = model.layout.layers.map(LayerWeights.parameterCount).max() ?? 0
    }

    /// What a chunk must hold at least: every row, or those of the largest example and of what shares its micro-batches.
    func fewestRows(needsEveryExample: Bool) -> Int {
        needsEveryExample ? batch.tokens.count : batch.chunks(ofRows: 1).map { batch.rows(of: $0.microBatches).count }.max() ?? 0
    }

    var bytesPerChunkRow: Int { 4 * shape.factorColumns }

    func peak(keptInMemory: Bool, activations: Bool, chunkRows: Int) -> Int {
        let c = configuration
        let (rows, scored, width) = (batch.tokens.count, batch.scoredRows.count, c.hiddenSize)
        let vocabulary = c.vocabularySize
        let always = rows * width + 6 * scored * width + (keptInMemory ? c.layerCount * rows * width : 0)
        let tiles = c.bounds.logitSoftcap == nil ? 1 : 2
        let projections = layout.embeddingProjection == nil ? 0 : 2 * c.embeddingSize * width + (rows + 2 * scored) * c.embeddingSize
        let head = vocabulary * c.embeddingSize + tiles * DecoderHead.rowsPerTile(vocabularySize: vocabulary) * vocabulary
        let micro = batch.largestMicroBatchRows
        let attention = 4 * 2 * 128 * batch.longestSegment
        let rotary = RotaryEmbedding.tableCount(c.rotary, positions: batch.longestSegment) * batch.longestSegment * c.headSize
        let activated = (activations ? c.layerCount * rows : micro) * shape.activationColumns
        let buffers = activated + micro * width + layerParameters + attention + rotary
        // A tap's tile and what it is scaled by, and a weighted sum and its metric of a whole parameter or slice.
        let largestParameter = max(layerParameters, (1 << 22) / max(1, scored) * width)
        let widest = max(width, c.feedForwardSize, c.queryColumns + 2 * c.keyValueColumns)
        let tile = (batch.exampleRows.count + 3) * max(SweepPlan.tileElements, widest)
        let tap = tile + 3 * largestParameter
        let back = micro * shape.gradientColumns + chunkRows * shape.factorColumns + tap
        let slices = (1 + tiles) * (1 << 22) + (GradientSlices.height(rows: vocabulary, tokens: scored)) * width + tap + scored * width
        let embedding = (layout.embeddingNorm == nil ? 0 : 2 * rows * width) + tap
        let candidates = CandidateSweep.most * rows * width
        return MemoryBudget.overhead + 4 * (always + buffers + projections + max(head + candidates, back, slices, embedding))
    }
}
