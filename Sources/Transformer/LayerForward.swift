internal import Checkpoints
internal import Tensors

/// The steps of a layer's forward pass.
extension DecoderLayer {
    /// The rows normalised, or as they are where there is no norm.
    borrowing func normalize(
        _ norm: Int?, _ x: borrowing Matrix, _ rows: Range<Int>, into y: inout Matrix, statistics: inout Matrix
    ) {
        guard let norm else { return copy(x, rows, into: &y, 0..<rows.count) }
        var output = y.mutableRows(0..<rows.count)
        var moments = statistics.mutableRows(0..<rows.count)
        normalize(norm, x.rows(rows), into: &output, statistics: &moments)
    }

    private borrowing func normalize(
        _ norm: Int, _ x: MatrixView, into y: inout MutableMatrixView, statistics: inout MutableMatrixView
    ) {
        Normalization.forward(
            configuration.norm, x, weight: weights.normWeight(norm), bias: weights.normBias(norm), epsilon: configuration.normEpsilon,
            into: &y, statistics: &statistics)
    }

    /// Queries, keys and values, normalised, clipped and turned as the family does.
    borrowing func project(
        _ x: borrowing Matrix, _ rows: Range<Int>, segments: [Range<Int>], projected: inout Matrix, statistics: inout Matrix,
        into queryKeyValue: inout Matrix
    ) {
        if projected.columns == 0 {
            apply(projections, to: x, rows, into: &queryKeyValue, rows)
        } else {
            apply(projections, to: x, rows, into: &projected, rows)
            normalizeHeads(projected, rows, statistics: &statistics, into: &queryKeyValue)
            var values = queryKeyValue.mutableRows(rows)
            if let bound = configuration.bounds.queryKeyValue { Clipping.forward(bound, &values) }
        }
        rotate(&queryKeyValue, segments: segments, direction: 1)
    }

    /// The query-key-value buffer with its queries and keys normalised.
    borrowing func normalizeHeads(
        _ projected: borrowing Matrix, _ rows: Range<Int>, statistics: inout Matrix, into output: inout Matrix
    ) {
        copy(projected, rows, into: &output, rows)
        for (index, site) in headNorms.sites.enumerated() {
            var view = output.mutableRows(rows)
            var target = view.columns(site.columns)
            var moments = statistics.mutableRows(rows)
            var pair = moments.columns(2 * index..<2 * index + 2)
            normalize(site.norm, projected.rows(rows).columns(site.columns), into: &target, statistics: &pair)
        }
    }

    /// What a block's last map puts out, added to the residual stream as the family does: `target` = base + r out(W x).
    borrowing func finishBlock(
        _ map: Int, _ norm: Int?, _ x: borrowing Matrix, _ rows: Range<Int>, onto base: borrowing Matrix, _ baseRows: Range<Int>,
        raw: inout Matrix, statistics: inout Matrix, output: inout Matrix, into target: inout Matrix, _ targetRows: Range<Int>
    ) {
        if configuration.outputNorm == .none && configuration.scales.residual == 1 {
            copy(base, baseRows, into: &target, targetRows)
            return apply(map..<map + 1, to: x, rows, into: &target, targetRows, adding: true)
        }
        normalizeBlock(map, norm, x, rows, onto: base, baseRows, raw: &raw, statistics: &statistics, output: &output)
        guard configuration.outputNorm != .sum else { return copy(output, rows, into: &target, targetRows) }
        copy(base, baseRows, into: &target, targetRows)
        var sum = target.mutableRows(targetRows)
        add(output.rows(rows), scale: configuration.scales.residual, to: &sum)
    }

    /// out(W x), or the normalised sum of base and W x; what is normalised stays in `raw`.
    borrowing func normalizeBlock(
        _ map: Int, _ norm: Int?, _ x: borrowing Matrix, _ rows: Range<Int>, onto base: borrowing Matrix, _ baseRows: Range<Int>,
        raw: inout Matrix, statistics: inout Matrix, output: inout Matrix
    ) {
        let isSum = configuration.outputNorm == .sum
        if isSum { copy(base, baseRows, into: &raw, rows) }
        apply(map..<map + 1, to: x, rows, into: &raw, rows, adding: isSum)
        normalize(norm, raw, rows, into: &output, statistics: &statistics)
    }

    /// Linear maps of one input, their outputs side by side.
    borrowing func apply(
        _ maps: Range<Int>, to x: borrowing Matrix, _ xRows: Range<Int>, into y: inout Matrix, _ rows: Range<Int>, adding: Bool = false
    ) {
        var output = y.mutableRows(rows)
        weights.apply(maps, to: x.rows(xRows), into: &output, adding: adding)
    }

    borrowing func mix(_ buffer: borrowing Matrix, segments: [Range<Int>], _ rows: Range<Int>, into mixed: inout Matrix) {
        var output = mixed.mutableRows(rows)
        attention.forward(buffer.rows(rows), segments: segments, into: &output)
    }

    borrowing func activateExpanded(_ expanded: borrowing Matrix, _ rows: Range<Int>, into activated: inout Matrix) {
        var whole = activated.mutableRows(rows)
        var output = whole.columns(0..<(layout.feedForward?.width ?? 0))
        FeedForward.forward(configuration.activation, expanded.rows(rows), into: &output)
    }

    /// The shared expert's activations times its weight, where it has one: the contraction after them is linear.
    borrowing func weighShared(_ x: borrowing Matrix, _ rows: Range<Int>, weights sharedWeights: inout Matrix, _ activated: inout Matrix) {
        guard let sharedWeight else { return }
        apply(sharedWeight..<sharedWeight + 1, to: x, rows, into: &sharedWeights, rows)
        var logits = sharedWeights.mutableRows(rows)
        var values = activated.mutableRows(rows)
        LogisticGate.forward(&logits, &values)
    }

    /// Which experts each row goes to, and with which weights.
    borrowing func route(_ x: borrowing Matrix, _ rows: Range<Int>, probabilities: inout Matrix, into routing: inout Matrix) {
        guard let router, let mixture = configuration.mixture else { return }
        apply(router..<router + 1, to: x, rows, into: &probabilities, rows)
        var logits = probabilities.mutableRows(rows)
        var weights = routing.mutableRows(rows)
        Routing.forward(mixture.expertsPerToken, isNormalized: mixture.isNormalized, &logits, weights: &weights)
    }

    /// Rotates queries and keys, which stand first in the buffer.
    borrowing func rotate(_ buffer: inout Matrix, segments: [Range<Int>], direction: Float) {
        guard let rotaryTable else { return }
        let heads = configuration.headCount + configuration.keyValueHeadCount
        let width = heads * configuration.headSize
        var view = buffer.mutableView
        RowParallel.forEach(segments.count, writing: &view) { index, shared in
            var rows = shared.tile(rows: segments[index], columns: 0..<width)
            rotary.rotate(&rows, heads: heads, table: rotaryTable, direction: direction)
        }
    }
}
