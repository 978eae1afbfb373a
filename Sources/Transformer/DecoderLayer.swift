package import Checkpoints
package import Tensors

/// One pre-norm decoder layer, forward and backward, whatever the family: the traits come from its configuration.
///
///     h = x + Wo attention(Wqkv norm(x))
///     y = h + Wd activation(Wgu norm(h))
package struct DecoderLayer: ~Copyable {
    private let configuration: ModelConfiguration
    /// Without columns where positions are not rotary.
    private let rotary: RotaryEmbedding
    private var weights: LayerWeights
    private var attention: Attention
    private var layout: LayerLayout

    /// A layer without weights yet, for segments of up to `positions` rows.
    package init(_ model: LanguageModel, positions: Int) {
        let configuration = model.configuration
        self.configuration = configuration
        if case .rotary(let base) = configuration.position {
            rotary = RotaryEmbedding(base: base, headSize: configuration.headSize, positions: positions)
        } else {
            rotary = RotaryEmbedding(base: 1, headSize: 0, positions: 0)
        }
        weights = LayerWeights(for: model.layout.layers, hiddenSize: configuration.hiddenSize)
        layout = model.layout.layers[0]
        attention = Self.attention(configuration, layer: 0)
    }

    private static func attention(_ configuration: ModelConfiguration, layer: Int) -> Attention {
        Attention(
            heads: configuration.headCount, keyValueHeads: configuration.keyValueHeadCount, headSize: configuration.headSize,
            scale: configuration.attentionScale(layer: layer))
    }

    /// Becomes layer `index` of the model.
    package mutating func load(_ index: Int, of model: LanguageModel, from source: any WeightSource) throws {
        layout = model.layout.layers[index]
        attention = Self.attention(configuration, layer: index)
        try weights.load(layout, hiddenSize: configuration.hiddenSize, from: source)
    }

    /// Replaces the given rows of `hidden` (N x C) by the layer's output, with everything between them in `a`.
    /// Segments are counted from the first of the rows.
    package borrowing func forward(
        _ hidden: inout Matrix, rows: Range<Int>, segments: [Range<Int>], activations a: inout LayerActivations
    ) {
        let here = 0..<rows.count
        activate(hidden, rows: rows, segments: segments, &a)
        copy(a.residual, here, into: &hidden, rows)
        apply(contraction, to: a.activated, here, into: &hidden, rows, adding: true)
    }

    /// The forward pass up to the contraction: `a` as `backward` needs it.
    package borrowing func activate(
        _ x: borrowing Matrix, rows: Range<Int>, segments: [Range<Int>], _ a: inout LayerActivations
    ) {
        let here = 0..<rows.count
        normalize(0, x, rows, into: &a.attentionNormed, statistics: &a.attentionStatistics)
        apply(projections, to: a.attentionNormed, here, into: &a.queryKeyValue, here)
        rotate(&a.queryKeyValue, segments: segments, direction: 1)
        mix(a.queryKeyValue, segments: segments, here, into: &a.mixed)
        copy(x, rows, into: &a.residual, here)
        apply(attentionOutput, to: a.mixed, here, into: &a.residual, here, adding: true)
        normalize(1, a.residual, here, into: &a.feedForwardNormed, statistics: &a.feedForwardStatistics)
        apply(expansions, to: a.feedForwardNormed, here, into: &a.expanded, here)
        activateExpanded(a.expanded, here, into: &a.activated)
    }

    /// Replaces the given rows of `gradient` (N x C), d(loss) by the layer's output, by d(loss) by its input, with everything
    /// between them in `d`; `a` holds what `activate` left there for the same x.
    package borrowing func backward(
        _ x: borrowing Matrix, xRows: Range<Int>, gradient: inout Matrix, rows: Range<Int>, segments: [Range<Int>],
        activations a: borrowing LayerActivations, gradients d: inout LayerGradients
    ) {
        let here = 0..<rows.count
        pullBack(contraction, gradient, rows, into: &d.activated)
        activateBackward(d.activated, a.expanded, here, into: &d.expanded)
        pullBack(expansions, d.expanded, here, into: &d.feedForwardNormed)
        copy(gradient, rows, into: &d.residual, here)
        normalizeBackward(1, d.feedForwardNormed, a.residual, here, a.feedForwardStatistics, addingTo: &d.residual, here)
        pullBack(attentionOutput, d.residual, here, into: &d.mixed)
        mixBackward(a.queryKeyValue, d.mixed, segments: segments, here, into: &d.queryKeyValue)
        rotate(&d.queryKeyValue, segments: segments, direction: -1)
        pullBack(projections, d.queryKeyValue, here, into: &d.attentionNormed)
        copy(d.residual, here, into: &gradient, rows)
        normalizeBackward(0, d.attentionNormed, x, xRows, a.attentionStatistics, addingTo: &gradient, rows)
    }

    private var projections: Range<Int> { 0..<layout.projections.count }
    private var attentionOutput: Range<Int> { projections.upperBound..<projections.upperBound + 1 }
    private var expansions: Range<Int> { attentionOutput.upperBound..<attentionOutput.upperBound + layout.expansions.count }
    private var contraction: Range<Int> { expansions.upperBound..<expansions.upperBound + 1 }

    private borrowing func normalize(
        _ index: Int, _ x: borrowing Matrix, _ rows: Range<Int>, into y: inout Matrix, statistics: inout Matrix
    ) {
        var output = y.mutableRows(0..<rows.count)
        var moments = statistics.mutableRows(0..<rows.count)
        Normalization.forward(
            configuration.norm, x.rows(rows), weight: weights.normWeight(index), bias: weights.normBias(index),
            epsilon: configuration.normEpsilon, into: &output, statistics: &moments)
    }

    private borrowing func normalizeBackward(
        _ index: Int, _ dy: borrowing Matrix, _ x: borrowing Matrix, _ xRows: Range<Int>, _ statistics: borrowing Matrix,
        addingTo dx: inout Matrix, _ rows: Range<Int>
    ) {
        var output = dx.mutableRows(rows)
        Normalization.backward(
            configuration.norm, dy: dy.rows(0..<rows.count), x: x.rows(xRows), weight: weights.normWeight(index),
            statistics: statistics.rows(0..<rows.count), addingTo: &output)
    }

    /// Linear maps of one input, their outputs side by side.
    private borrowing func apply(
        _ maps: Range<Int>, to x: borrowing Matrix, _ xRows: Range<Int>, into y: inout Matrix, _ rows: Range<Int>, adding: Bool = false
    ) {
        var output = y.mutableRows(rows)
        var start = 0
        for map in maps {
            let outputs = weights.outputs(map)
            var part = output.columns(start..<start + outputs)
            LinearAlgebra.multiply(x.rows(xRows), weights.linear(map).transposed, into: &part, adding: adding)
            addBias(weights.bias(map), to: &part)
            start += outputs
        }
    }

    /// The gradient by the maps' common input, given those by their outputs, side by side.
    private borrowing func pullBack(_ maps: Range<Int>, _ dy: borrowing Matrix, _ rows: Range<Int>, into dx: inout Matrix) {
        var input = dx.mutableRows(0..<rows.count)
        var start = 0
        for map in maps {
            let outputs = weights.outputs(map)
            LinearAlgebra.multiply(dy.rows(rows).columns(start..<start + outputs), weights.linear(map), into: &input, adding: start > 0)
            start += outputs
        }
    }

    private borrowing func mix(_ buffer: borrowing Matrix, segments: [Range<Int>], _ rows: Range<Int>, into mixed: inout Matrix) {
        var output = mixed.mutableRows(rows)
        attention.forward(buffer.rows(rows), segments: segments, into: &output)
    }

    private borrowing func mixBackward(
        _ buffer: borrowing Matrix, _ dMixed: borrowing Matrix, segments: [Range<Int>], _ rows: Range<Int>, into gradient: inout Matrix
    ) {
        var output = gradient.mutableRows(rows)
        attention.backward(buffer.rows(rows), dMixed: dMixed.rows(rows), segments: segments, into: &output)
    }

    private borrowing func activateExpanded(_ expanded: borrowing Matrix, _ rows: Range<Int>, into activated: inout Matrix) {
        var output = activated.mutableRows(rows)
        FeedForward.forward(configuration.activation, expanded.rows(rows), into: &output)
    }

    private borrowing func activateBackward(
        _ dActivated: borrowing Matrix, _ expanded: borrowing Matrix, _ rows: Range<Int>, into gradient: inout Matrix
    ) {
        var output = gradient.mutableRows(rows)
        FeedForward.backward(configuration.activation, dActivated: dActivated.rows(rows), expanded: expanded.rows(rows), into: &output)
    }

    /// Rotates queries and keys, which stand first in the buffer.
    private borrowing func rotate(_ buffer: inout Matrix, segments: [Range<Int>], direction: Float) {
        guard rotary.cosines.columns > 0 else { return }
        let heads = configuration.headCount + configuration.keyValueHeadCount
        let width = heads * configuration.headSize
        var view = buffer.mutableView
        let (cosines, sines) = (rotary.cosines.view, rotary.sines.view)
        RowParallel.forEach(segments.count, writing: &view) { index, shared in
            var rows = shared.tile(rows: segments[index], columns: 0..<width)
            RotaryEmbedding.rotate(&rows, heads: heads, direction: direction, cosines: cosines, sines: sines)
        }
    }
}

/// Adds a bias, where there is one, to every row.
func addBias(_ bias: Span<Float>, to y: inout MutableMatrixView) {
    guard !bias.isEmpty else { return }
    RowParallel.rows(of: &y, perBlock: 64) { range, y in
        for index in range.indices {
            var row = y.row(index - range.lowerBound)
            for column in row.indices { row[column] += bias[column] }
        }
    }
}

/// Copies rows of a matrix of the same width.
func copy(_ source: borrowing Matrix, _ sourceRows: Range<Int>, into target: inout Matrix, _ targetRows: Range<Int>) {
    var target = target.mutableRows(targetRows)
    let source = source.rows(sourceRows)
    RowParallel.rows(of: &target, perBlock: 128) { range, target in
        for index in range {
            var row = target.row(index - range.lowerBound)
            let values = source.row(index)
            for column in row.indices { row[column] = values[column] }
        }
    }
}
