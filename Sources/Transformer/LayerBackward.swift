internal import Checkpoints
package import Tensors

/// A layer's backward pass.
extension DecoderLayer {
    /// Replaces the given rows of `gradient` (N x C), d(loss) by the layer's output, by d(loss) by its input, with everything
    /// between them in `d`; `a` holds what `activate` left there for the same x. Of a sparse layer, `d` holds what its experts
    /// left: the gradients by their inputs and by the routing weights.
    package borrowing func backward(
        _ x: borrowing Matrix, xRows: Range<Int>, gradient: inout Matrix, rows: Range<Int>, segments: [Range<Int>],
        activations a: borrowing LayerActivations, gradients d: inout LayerGradients
    ) {
        let here = 0..<rows.count
        startBlock(
            norms.feedForwardOutput, &gradient, rows, a.contracted, a.contractedStatistics, normed: &d.feedForwardOutput,
            into: &d.contracted)
        if let contraction {
            pullBack(contraction..<contraction + 1, d.contracted, here, into: &d.activated)
            weighSharedBackward(a.sharedWeight, a.activated, here, &d.activated, into: &d.sharedWeight)
            activateBackward(d.activated, a.expanded, here, into: &d.expanded)
            pullBack(expansions, d.expanded, here, into: &d.feedForwardNormed, adding: router != nil)
        }
        routeBackward(a.probabilities, a.routing, here, &d.routing)
        if let sharedWeight {
            pullBack(sharedWeight..<sharedWeight + 1, d.sharedWeight, here, into: &d.feedForwardNormed, adding: true)
        }
        if let router { pullBack(router..<router + 1, d.routing, here, into: &d.feedForwardNormed, adding: true) }
        copy(gradient, rows, into: &d.residual, here)
        if feedForwardInput == .residual {
            normalizeBackward(
                norms.feedForward, d.feedForwardNormed, a.residual, here, a.feedForwardStatistics, addingTo: &d.residual, here)
        }
        startBlock(
            norms.attentionOutput, &d.residual, here, a.attended, a.attendedStatistics, normed: &d.attentionOutput, into: &d.attended)
        pullBack(attentionOutput..<attentionOutput + 1, d.attended, here, into: &d.mixed)
        mixBackward(a.queryKeyValue, d.mixed, segments: segments, here, into: &d.queryKeyValue)
        projectBackward(a.projected, a.headStatistics, here, segments: segments, normed: &d.projected, into: &d.queryKeyValue)
        pullBack(projections, d.queryKeyValue, here, into: &d.attentionNormed)
        if feedForwardInput == .attentionNormed { add(d.feedForwardNormed, here, to: &d.attentionNormed, here) }
        copy(d.residual, here, into: &gradient, rows)
        normalizeBackward(norms.attention, d.attentionNormed, x, xRows, a.attentionStatistics, addingTo: &gradient, rows)
        if feedForwardInput == .input {
            normalizeBackward(norms.feedForward, d.feedForwardNormed, x, xRows, a.feedForwardStatistics, addingTo: &gradient, rows)
        }
    }

    /// From the gradient by base + r out(W x) to that by W x; `gradient` becomes that by the base.
    private borrowing func startBlock(
        _ norm: Int?, _ gradient: inout Matrix, _ rows: Range<Int>, _ raw: borrowing Matrix, _ statistics: borrowing Matrix,
        normed: inout Matrix, into target: inout Matrix
    ) {
        let here = 0..<rows.count
        if let norm {
            copy(gradient, rows, into: &normed, here)
            var output = normed.mutableRows(here)
            scale(&output, by: configuration.scales.residual)
            target.fill(0)
            normalizeBackward(norm, normed, raw, here, statistics, addingTo: &target, here)
            if configuration.outputNorm == .sum { copy(target, here, into: &gradient, rows) }
        } else {
            copy(gradient, rows, into: &target, here)
            var output = target.mutableRows(here)
            scale(&output, by: configuration.scales.residual)
        }
    }

    private borrowing func normalizeBackward(
        _ norm: Int?, _ dy: borrowing Matrix, _ x: borrowing Matrix, _ xRows: Range<Int>, _ statistics: borrowing Matrix,
        addingTo dx: inout Matrix, _ rows: Range<Int>
    ) {
        guard let norm else { return add(dy, 0..<rows.count, to: &dx, rows) }
        var output = dx.mutableRows(rows)
        Normalization.backward(
            configuration.norm, dy: dy.rows(0..<rows.count), x: x.rows(xRows), weight: weights.normWeight(norm),
            statistics: statistics.rows(0..<rows.count), addingTo: &output)
    }

    /// From the gradient by turned queries and keys to that by what the maps put out, in the same place; that by the
    /// normalised ones stays in `normed`.
    private borrowing func projectBackward(
        _ projected: borrowing Matrix, _ statistics: borrowing Matrix, _ rows: Range<Int>, segments: [Range<Int>],
        normed: inout Matrix, into gradient: inout Matrix
    ) {
        rotate(&gradient, segments: segments, direction: -1)
        guard projected.columns > 0 else { return }
        if let bound = configuration.bounds.queryKeyValue {
            // What was clipped is what the norms put out, or the maps themselves.
            var moments = Matrix(rows: rows.count, columns: statistics.columns)
            normalizeHeads(projected, rows, statistics: &moments, into: &normed)
            var values = gradient.mutableRows(rows)
            Clipping.backward(bound, normed.rows(rows), &values)
        }
        copy(gradient, rows, into: &normed, rows)
        for (index, site) in headNorms.sites.enumerated() {
            var view = gradient.mutableRows(rows)
            var target = view.columns(site.columns)
            scale(&target, by: 0)
            Normalization.backward(
                configuration.norm, dy: normed.rows(rows).columns(site.columns), x: projected.rows(rows).columns(site.columns),
                weight: weights.normWeight(site.norm), statistics: statistics.rows(rows).columns(2 * index..<2 * index + 2),
                addingTo: &target)
        }
    }

    /// The gradient by the maps' common input, given those by their outputs, side by side.
    private borrowing func pullBack(
        _ maps: Range<Int>, _ dy: borrowing Matrix, _ rows: Range<Int>, into dx: inout Matrix, adding: Bool = false
    ) {
        var input = dx.mutableRows(0..<rows.count)
        weights.pullBack(maps, dy.rows(rows), into: &input, adding: adding)
    }

    /// From the gradient by weighted activations to that by the activations, in place, and by the logits of the weights.
    private borrowing func weighSharedBackward(
        _ sharedWeights: borrowing Matrix, _ activated: borrowing Matrix, _ rows: Range<Int>, _ gradient: inout Matrix,
        into logits: inout Matrix
    ) {
        guard sharedWeight != nil else { return }
        var values = gradient.mutableRows(rows)
        var output = logits.mutableRows(rows)
        LogisticGate.backward(sharedWeights.rows(rows), activated.rows(rows), &values, into: &output)
    }

    /// From the gradient by routing weights to that by the router's logits, in place.
    private borrowing func routeBackward(
        _ probabilities: borrowing Matrix, _ routing: borrowing Matrix, _ rows: Range<Int>, _ gradient: inout Matrix
    ) {
        guard router != nil else { return }
        var values = gradient.mutableRows(rows)
        Routing.backward(probabilities: probabilities.rows(rows), weights: routing.rows(rows), &values)
    }

    private borrowing func mixBackward(
        _ buffer: borrowing Matrix, _ dMixed: borrowing Matrix, segments: [Range<Int>], _ rows: Range<Int>, into gradient: inout Matrix
    ) {
        var output = gradient.mutableRows(rows)
        attention.backward(buffer.rows(rows), dMixed: dMixed.rows(rows), segments: segments, into: &output)
    }

    private borrowing func activateBackward(
        _ dActivated: borrowing Matrix, _ expanded: borrowing Matrix, _ rows: Range<Int>, into gradient: inout Matrix
    ) {
        guard let block = layout.feedForward else { return }
        var whole = gradient.mutableRows(rows)
        var output = whole.columns(0..<block.expandedWidth)
        FeedForward.backward(
            configuration.activation, dActivated: dActivated.rows(rows).columns(0..<block.width), expanded: expanded.rows(rows),
            into: &output)
    }
}
