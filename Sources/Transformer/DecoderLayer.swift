package import Checkpoints
package import Tensors

/// One decoder layer, forward and backward, whatever the family: the traits come from its configuration.
///
///     h = x + r out(Wo attention(Wqkv in(x)))
///     y = h + r out(Wd activation(Wgu in(h)))          sequential
///     y = h + r out(Wd activation(Wgu in(x)))          parallel
///
/// in: the normalisation of a block's input, if there is one; of a parallel feed-forward block without one the attention's.
/// out: that of its output, if there is one. r: the residual multiplier. Some families normalise the sum instead.
/// A sparse layer has a router in place of the feed-forward block, or beside it: what its `Experts` put out comes on top.
package struct DecoderLayer: ~Copyable {
    let configuration: ModelConfiguration
    let rotary: RotaryEmbedding
    var weights: LayerWeights
    var attention: Attention
    var layout: LayerLayout
    var norms: NormNumbers
    var headNorms: HeadNorms
    /// Of the configuration's rotary tables, the layer's.
    var rotaryTable: Int?

    /// A layer without weights yet, for segments of up to `positions` rows.
    package init(_ model: LanguageModel, positions: Int) {
        let configuration = model.configuration
        self.configuration = configuration
        rotary = RotaryEmbedding(configuration.rotary, headSize: configuration.headSize, positions: positions)
        weights = LayerWeights(for: model.layout.layers)
        layout = model.layout.layers[0]
        norms = NormNumbers(layout)
        headNorms = HeadNorms(layout, configuration)
        attention = Attention(configuration, layer: 0)
    }

    /// Becomes layer `index` of the model.
    package mutating func load(_ index: Int, of model: LanguageModel, from source: any WeightSource) throws {
        layout = model.layout.layers[index]
        norms = NormNumbers(layout)
        headNorms = HeadNorms(layout, configuration)
        attention = Attention(configuration, layer: index)
        rotaryTable = configuration.layers[index].rotary
        try weights.load(layout, from: source)
    }

    var projections: Range<Int> { 0..<layout.projections.count }
    var attentionOutput: Int { projections.upperBound }
    var expansions: Range<Int> { attentionOutput + 1..<attentionOutput + 1 + (layout.feedForward?.expansions.count ?? 0) }
    var contraction: Int? { layout.feedForward == nil ? nil : expansions.upperBound }
    var sharedWeight: Int? { layout.sharedWeight == nil ? nil : expansions.upperBound + 1 }
    var router: Int? { layout.router == nil ? nil : layout.linears.count - 1 }

    /// Replaces the given rows of `hidden` (N x C) by the layer's output without that of its experts, with everything between
    /// them in `a`. Segments are counted from the first of the rows.
    package borrowing func forward(
        _ hidden: inout Matrix, rows: Range<Int>, segments: [Range<Int>], activations a: inout LayerActivations
    ) {
        let here = 0..<rows.count
        blocks(hidden, rows: rows, segments: segments, &a)
        guard let contraction else { return copy(a.residual, here, into: &hidden, rows) }
        finishBlock(
            contraction, norms.feedForwardOutput, a.activated, here, onto: a.residual, here, raw: &a.contracted,
            statistics: &a.contractedStatistics, output: &a.blockOutput, into: &hidden, rows)
    }

    /// The forward pass as far as `backward` needs it.
    package borrowing func activate(
        _ x: borrowing Matrix, rows: Range<Int>, segments: [Range<Int>], _ a: inout LayerActivations
    ) {
        blocks(x, rows: rows, segments: segments, &a)
        guard let norm = norms.feedForwardOutput, let contraction else { return }
        let here = 0..<rows.count
        normalizeBlock(
            contraction, norm, a.activated, here, onto: a.residual, here, raw: &a.contracted, statistics: &a.contractedStatistics,
            output: &a.blockOutput)
    }

    /// The attention block and the feed-forward block up to the contraction.
    private borrowing func blocks(_ x: borrowing Matrix, rows: Range<Int>, segments: [Range<Int>], _ a: inout LayerActivations) {
        let here = 0..<rows.count
        normalize(norms.attention, x, rows, into: &a.attentionNormed, statistics: &a.attentionStatistics)
        project(a.attentionNormed, here, segments: segments, projected: &a.projected, statistics: &a.headStatistics, into: &a.queryKeyValue)
        mix(a.queryKeyValue, segments: segments, here, into: &a.mixed)
        finishBlock(
            attentionOutput, norms.attentionOutput, a.mixed, here, onto: x, rows, raw: &a.attended, statistics: &a.attendedStatistics,
            output: &a.blockOutput, into: &a.residual, here)
        switch feedForwardInput {
        case .residual: normalize(norms.feedForward, a.residual, here, into: &a.feedForwardNormed, statistics: &a.feedForwardStatistics)
        case .input: normalize(norms.feedForward, x, rows, into: &a.feedForwardNormed, statistics: &a.feedForwardStatistics)
        case .attentionNormed: copy(a.attentionNormed, here, into: &a.feedForwardNormed, here)
        }
        if layout.feedForward != nil {
            apply(expansions, to: a.feedForwardNormed, here, into: &a.expanded, here)
            activateExpanded(a.expanded, here, into: &a.activated)
        }
        weighShared(a.feedForwardNormed, here, weights: &a.sharedWeight, &a.activated)
        route(a.feedForwardNormed, here, probabilities: &a.probabilities, into: &a.routing)
    }

    enum FeedForwardInput { case residual, input, attentionNormed }

    var feedForwardInput: FeedForwardInput {
        configuration.residual == .sequential ? .residual : norms.feedForward == nil ? .attentionNormed : .input
    }
}

extension Attention {
    init(_ configuration: ModelConfiguration, layer: Int) {
        let c = configuration
        let scale = c.layers[layer].attentionScale
        let bias: LinearBias? =
            switch c.position {
            case .alibi: LinearBias(heads: c.headCount)
            case .roundedAlibi: LinearBias(heads: c.headCount, isRounded: true, scale: scale)
            case .rotary, .learned: nil
            }
        self.init(
            heads: c.headCount, keyValueHeads: c.keyValueHeadCount, headSize: c.headSize, scale: scale, window: c.layers[layer].window,
            softcap: c.bounds.attentionSoftcap, bias: bias)
    }
}
