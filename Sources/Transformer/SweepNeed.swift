package import Checkpoints

/// What memory forward and backward sweeps of a batch take, where other batches are scored forward while what goes back is kept. Counted
/// in numbers of four bytes, given in bytes.
package struct SweepNeed {
    private let configuration: ModelConfiguration
    private let layout: TensorLayout
    private let shape: LayerShape
    private let batch: TokenBatch
    private let others: [TokenBatch]
    /// Layers from the first up that are the same in every pass.
    let unchangedLayers: Int
    private let needsEveryExample: Bool
    private let taps: TapNeed
    /// Of the largest layer, without its experts, and of the largest expert: one of each is in memory.
    private let layerParameters: Int
    private let expertParameters: Int
    /// Of the largest parameter, or what is shown of it at once.
    private let largestParameter: Int
    /// Of each linear map, columns of its two factors, and what taps take while they are shown it.
    private let maps: [(columns: Int, tap: TapNeed.Shown)]

    /// - Parameters:
    ///   - batch: what goes forward and backward.
    ///   - needsEveryExample: whether the taps see all of it at once.
    ///   - others: what is scored forward while what goes back is kept.
    ///   - unchangedLayers: layers from the first up that are the same in every pass.
    ///   - taps: what those that are shown the gradients take beside.
    package init(
        _ model: LanguageModel, _ batch: TokenBatch, needsEveryExample: Bool, scoring others: [TokenBatch] = [], unchangedLayers: Int = 0,
        taps: TapNeed = TapNeed()
    ) {
        (configuration, layout, shape) = (model.configuration, model.layout, LayerShape(model))
        (self.batch, self.others, self.unchangedLayers) = (batch, others, unchangedLayers)
        (self.needsEveryExample, self.taps) = (needsEveryExample, taps)
        let (layers, experts) = (layout.layers, layout.layers.flatMap(\.experts))
        layerParameters = layers.map { LayerWeights.parameterCount($0) }.max() ?? 0
        expertParameters = experts.map { LayerWeights.parameterCount($0) }.max() ?? 0
        let linears = layers.flatMap(\.linears) + experts.flatMap(\.linears)
        let slice = GradientSlices.height(rows: configuration.vocabularySize, tokens: batch.scoredRows.count) * configuration.hiddenSize
        largestParameter = max(slice, linears.map { $0.storedRows * $0.storedColumns }.max() ?? 0)
        maps = linears.map { ($0.storedRows + $0.storedColumns + 1, taps.maps[$0.weight] ?? TapNeed.Shown()) }
    }

    /// The smallest budget, in bytes, in which this can be done.
    package var smallest: Int { peak(.least, chunkRows: fewestRows) }

    /// What a chunk must hold at least: every row, or those of the largest example and of what shares its micro-batches.
    var fewestRows: Int {
        needsEveryExample ? rows : batch.chunks(ofRows: 1).map { batch.rows(of: $0.microBatches).count }.max() ?? 0
    }

    /// What a chunk holds where memory has `left` bytes for its rows.
    func chunkRows(_ inMemory: SweepPlan.InMemory, left: Int) -> Int {
        needsEveryExample ? rows : min(rows, max(fewestRows, left / (4 * chunkColumns(inMemory))))
    }

    /// - Parameter candidates: versions of the weights that the other batches are scored with at once.
    func peak(_ inMemory: SweepPlan.InMemory, chunkRows: Int, candidates: Int = 1) -> Int {
        let others = others.map { forward($0, candidates: candidates) }.max() ?? 0
        let way = max(advance(inMemory), head(inMemory), layers(inMemory, chunkRows: chunkRows), slices(inMemory), embedding)
        return MemoryBudget.overhead + taps.held + 4 * held(inMemory) + max(4 * max(others, way), taps.between)
    }

    private var rows: Int { batch.tokens.count }
    private var scored: Int { batch.scoredRows.count }
    private var width: Int { configuration.hiddenSize }
    private var micro: Int { batch.largestMicroBatchRows }
    /// Tiles of logits: two where they are bounded.
    private var tiles: Int { configuration.bounds.logitSoftcap == nil ? 1 : 2 }

    private func holds(_ inMemory: SweepPlan.InMemory, _ what: SweepPlan.InMemory) -> Bool { inMemory.rawValue <= what.rawValue }

    /// What a row of a chunk adds to the peak at most.
    private func chunkColumns(_ inMemory: SweepPlan.InMemory) -> Int {
        (holds(inMemory, .factors) ? shape.factorColumns : 0) + shape.expertFactorColumns
            + (maps.map { (holds(inMemory, .factors) ? 0 : $0.columns) + $0.tap.columns }.max() ?? 0)
    }

    /// Showing the linear map that takes most, its factors with it where they are not in memory yet. What a tap makes of the factors is for
    /// tiles alone: it sums gradients of the factors as they are.
    private func shown(_ inMemory: SweepPlan.InMemory, rows: Int) -> Int {
        maps.map { map in
            (holds(inMemory, .factors) ? 0 : rows * map.columns) + map.tap.numbers + max(rows * map.tap.columns + tile, weightedSum)
        }.max() ?? 0
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
        return layer(batch) + norms + experts + factors + max(back, shown(inMemory, rows: chunkRows), tap)
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

    /// What a tap takes of any parameter.
    private var tap: Int { max(tile, weightedSum) }

    /// The examples' gradients of some rows, and what they are scaled by.
    private var tile: Int {
        let examples = batch.exampleRows.count
        return (examples + 3) * max(SweepPlan.tileElements(columns: widest, examples: examples), widest)
    }

    /// A weighted sum of a whole parameter's or slice's gradients, their token rows, and as much again: noise, or the sum in another basis.
    private var weightedSum: Int {
        let longest = batch.exampleRows.reduce(0) { max($0, $1.count) }
        return 2 * largestParameter + min(rows, max(GradientFactors.rowsAtOnce, longest)) * widest
    }

    /// Columns of the widest factor.
    private var widest: Int {
        max(width, shape.activated, shape.expertActivated, configuration.queryColumns + 2 * configuration.keyValueColumns)
    }
}
