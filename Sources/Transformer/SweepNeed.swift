internal import Checkpoints

/// What a forward and backward sweep of a batch takes, where other batches are scored forward while what goes back is kept. Counted in
/// numbers of four bytes, given in bytes.
struct SweepNeed {
    private let configuration: ModelConfiguration
    private let layout: TensorLayout
    private let shape: LayerShape
    private let batch: TokenBatch
    private let others: [TokenBatch]
    private let unchangedLayers: Int
    /// Of the largest layer, without its experts, and of the largest expert: one of each is in memory.
    private let layerParameters: Int
    private let expertParameters: Int
    /// Of the largest parameter, or what is shown of it at once.
    private let largestParameter: Int
    /// Columns of the two factors of the widest linear map.
    private let widestMap: Int

    init(_ model: LanguageModel, _ batch: TokenBatch, scoring others: [TokenBatch], unchangedLayers: Int) {
        (configuration, layout, shape) = (model.configuration, model.layout, LayerShape(model))
        (self.batch, self.others, self.unchangedLayers) = (batch, others, unchangedLayers)
        let (layers, experts) = (layout.layers, layout.layers.flatMap(\.experts))
        layerParameters = layers.map { LayerWeights.parameterCount($0) }.max() ?? 0
        expertParameters = experts.map { LayerWeights.parameterCount($0) }.max() ?? 0
        let maps = layers.flatMap(\.linears) + experts.flatMap(\.linears)
        let slice = GradientSlices.height(rows: configuration.vocabularySize, tokens: batch.scoredRows.count) * configuration.hiddenSize
        largestParameter = max(slice, maps.map { $0.storedRows * $0.storedColumns }.max() ?? 0)
        widestMap = maps.map { $0.storedRows + $0.storedColumns + 1 }.max() ?? 0
    }

    /// What a chunk must hold at least: every row, or those of the largest example and of what shares its micro-batches.
    func fewestRows(needsEveryExample: Bool) -> Int {
        needsEveryExample ? batch.tokens.count : batch.chunks(ofRows: 1).map { batch.rows(of: $0.microBatches).count }.max() ?? 0
    }

    func bytesPerChunkRow(_ inMemory: SweepPlan.InMemory) -> Int { 4 * chunkColumns(inMemory) }

    /// - Parameter candidates: versions of the weights that the other batches are scored with at once.
    func peak(_ inMemory: SweepPlan.InMemory, chunkRows: Int, candidates: Int = 1) -> Int {
        let others = others.map { forward($0, candidates: candidates) }.max() ?? 0
        let way = max(advance(inMemory), head(inMemory), layers(inMemory, chunkRows: chunkRows), slices(inMemory), embedding)
        return MemoryBudget.overhead + 4 * (held(inMemory) + max(others, way))
    }

    private var rows: Int { batch.tokens.count }
    private var scored: Int { batch.scoredRows.count }
    private var width: Int { configuration.hiddenSize }
    private var micro: Int { batch.largestMicroBatchRows }
    /// Tiles of logits: two where they are bounded.
    private var tiles: Int { configuration.bounds.logitSoftcap == nil ? 1 : 2 }

    private func holds(_ inMemory: SweepPlan.InMemory, _ what: SweepPlan.InMemory) -> Bool { inMemory.rawValue <= what.rawValue }

    private func chunkColumns(_ inMemory: SweepPlan.InMemory) -> Int {
        (holds(inMemory, .factors) ? shape.factorColumns : widestMap) + shape.expertFactorColumns
    }

    /// What a sweep that goes back keeps from its beginning to its end, and what the others do of the layers that are the same in every pass.
    private func held(_ inMemory: SweepPlan.InMemory) -> Int {
        let layers = configuration.layerCount - unchangedLayers
        let begun = unchangedLayers == 0 ? 0 : others.reduce(0) { $0 + $1.tokens.count }
        let inputs = holds(inMemory, .inputs) ? (max(1, layers) * rows + begun) * width : 0
        let below = unchangedLayers == 0 ? 0 : micro
        let activations = holds(inMemory, .activations) ? layers * rows + below : holds(inMemory, .factors) ? micro : 0
        let trace = holds(inMemory, .factors) ? scored * HeadTrace.columns(configuration, isProjected: layout.headProjection != nil) : 0
        return rows * width + inputs + activations * shape.activationColumns + trace + 8 * scored
    }

    /// A micro-batch's activations, where they are given back after every pass through a layer.
    private func passing(_ inMemory: SweepPlan.InMemory) -> Int { holds(inMemory, .factors) ? 0 : micro * shape.activationColumns }

    /// A layer's weights, and what its attention takes.
    private func layer(_ batch: TokenBatch) -> Int {
        let positions = batch.longestSegment
        let rotary = RotaryEmbedding.tableCount(configuration.rotary, positions: positions) * positions * configuration.headSize
        return layerParameters + rotary + 4 * 2 * 128 * positions
    }

    /// A batch that is scored forward.
    private func forward(_ batch: TokenBatch, candidates: Int) -> Int {
        let (rows, scored) = (batch.tokens.count, batch.scoredRows.count)
        let way = layer(batch) + batch.largestMicroBatchRows * shape.activationColumns
        return candidates * rows * width + max(way + rows * shape.expertColumns + expert(batch), 3 * scored + headTile)
    }

    /// The head's weights, and what a tile of rows takes of it.
    private var headTile: Int {
        let projection = layout.embeddingProjection == nil ? 0 : 2 * configuration.embeddingSize * width
        let tile = DecoderHead.rowsPerTile(vocabularySize: configuration.vocabularySize)
        return configuration.vocabularySize * configuration.embeddingSize + projection
            + tile * (tiles * configuration.vocabularySize + 5 * width + 2 * configuration.embeddingSize)
    }

    /// An expert and a micro-batch that passes it.
    private func expert(_ batch: TokenBatch) -> Int {
        shape.routing == 0 ? 0 : expertParameters + batch.largestMicroBatchRows * shape.expertPassColumns
    }

    /// Going forward through a layer.
    private func advance(_ inMemory: SweepPlan.InMemory) -> Int {
        layer(batch) + passing(inMemory) + rows * shape.expertColumns + expert(batch)
    }

    /// Scoring and going back through the head, or its normalisation's and projection's gradients.
    private func head(_ inMemory: SweepPlan.InMemory) -> Int {
        max(headTile, (holds(inMemory, .factors) ? 0 : 2 * scored * max(width, configuration.embeddingSize)) + tap)
    }

    /// Going back through a layer, and then showing its parameters.
    private func layers(_ inMemory: SweepPlan.InMemory, chunkRows: Int) -> Int {
        let norms = batch.exampleRows.count * (layout.layers.map(NormGradients.columns).max() ?? 0)
        let experts = expert(batch) + chunkRows * shape.expertFactorColumns
        let factors = holds(inMemory, .factors) ? chunkRows * shape.factorColumns : 0
        let back = passing(inMemory) + micro * (shape.gradientColumns + width + shape.queryKeyValue)
        let shown = (holds(inMemory, .factors) ? 0 : chunkRows * widestMap) + tap
        return layer(batch) + norms + experts + factors + max(back, shown)
    }

    /// The head's gradients, a slice at a time.
    private func slices(_ inMemory: SweepPlan.InMemory) -> Int {
        let height = GradientSlices.height(rows: configuration.vocabularySize, tokens: scored)
        let inputs = holds(inMemory, .factors) ? 0 : scored * configuration.embeddingSize
        return (1 + tiles) * scored * height + height * width + inputs + scored + tap
    }

    private var embedding: Int {
        let norm = layout.embeddingNorm == nil ? 0 : 2 * rows * width
        let projection =
            layout.embeddingProjection == nil ? 0 : 2 * configuration.embeddingSize * width + rows * configuration.embeddingSize
        return norm + projection + tap
    }

    /// A tap's tile and what it is scaled by; a weighted sum of a whole parameter or slice, its token rows, and noise as large.
    private var tap: Int {
        let widest = max(width, shape.activated, shape.expertActivated, configuration.queryColumns + 2 * configuration.keyValueColumns)
        let examples = batch.exampleRows.count
        let tile = (examples + 3) * max(SweepPlan.tileElements(columns: widest, examples: examples), widest)
        let longest = batch.exampleRows.reduce(0) { max($0, $1.count) }
        return tile + 2 * largestParameter + min(rows, max(GradientFactors.rowsAtOnce, longest)) * widest
    }
}
