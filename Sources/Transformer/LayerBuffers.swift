internal import Tensors

/// A layer's intermediate results for one micro-batch of up to N rows, each one's width as in `LayerShape`.
package struct LayerActivations: ~Copyable {
    var attentionNormed: Matrix  // N x C
    var attentionStatistics: Matrix  // N x 2
    var projected: Matrix  // N x (H + 2 K) d, as the maps put it out
    var headStatistics: Matrix
    var queryKeyValue: Matrix  // N x (H + 2 K) d, rotated
    var mixed: Matrix  // N x H d
    var attended: Matrix  // N x C: the attention block's output, or its sum with the input, before it is normalised
    var attendedStatistics: Matrix  // N x 2
    var residual: Matrix  // N x C: the input plus the attention block's output
    var feedForwardNormed: Matrix  // N x C
    var feedForwardStatistics: Matrix  // N x 2
    var expanded: Matrix  // N x E
    var activated: Matrix  // N x F: of a shared expert, times its weight
    var sharedWeight: Matrix  // N x 1: of a shared expert
    var probabilities: Matrix  // N x experts: see Routing
    var routing: Matrix  // N x experts: a token's weight for each expert, 0 where it does not go there
    var contracted: Matrix  // N x C: the feed-forward block's output like `attended`
    var contractedStatistics: Matrix  // N x 2
    var blockOutput: Matrix  // N x C: of either block, normalised; not kept

    init(_ shape: LayerShape, rows: Int) {
        attentionNormed = Matrix(rows: rows, columns: shape.hidden)
        attentionStatistics = Matrix(rows: rows, columns: 2)
        projected = Matrix(rows: rows, columns: shape.projected)
        headStatistics = Matrix(rows: rows, columns: shape.headStatistics)
        queryKeyValue = Matrix(rows: rows, columns: shape.queryKeyValue)
        mixed = Matrix(rows: rows, columns: shape.mixed)
        attended = Matrix(rows: rows, columns: shape.blockOutput)
        attendedStatistics = Matrix(rows: rows, columns: 2)
        residual = Matrix(rows: rows, columns: shape.hidden)
        feedForwardNormed = Matrix(rows: rows, columns: shape.hidden)
        feedForwardStatistics = Matrix(rows: rows, columns: 2)
        expanded = Matrix(rows: rows, columns: shape.expanded)
        activated = Matrix(rows: rows, columns: shape.activated)
        sharedWeight = Matrix(rows: rows, columns: shape.sharedWeight)
        probabilities = Matrix(rows: rows, columns: shape.routing)
        routing = Matrix(rows: rows, columns: shape.routing)
        contracted = Matrix(rows: rows, columns: shape.blockOutput)
        contractedStatistics = Matrix(rows: rows, columns: 2)
        blockOutput = Matrix(rows: rows, columns: shape.blockOutput)
    }
}

/// The activations of some layers' micro-batches, and one set that all others take turns with: the backward sweep finds there what
/// the forward sweep left, or computes it anew.
final class KeptActivations {
    /// One micro-batch's activations in one layer.
    final class Slot {
        var activations: LayerActivations

        init(_ shape: LayerShape, rows: Int) { activations = LayerActivations(shape, rows: rows) }
    }

    private let shape: LayerShape
    private let batch: TokenBatch
    /// The layers whose micro-batches have one each.
    private let layers: Range<Int>
    private let kept: [Slot]
    private var shared: Slot?

    init(_ shape: LayerShape, keeping layers: Range<Int>, _ batch: TokenBatch) {
        (self.shape, self.batch, self.layers) = (shape, batch, layers)
        kept = layers.flatMap { _ in batch.microBatches.map { Slot(shape, rows: $0.rows.count) } }
    }

    /// Whether a layer's activations stay as they were left.
    func keeps(layer: Int) -> Bool { layers.contains(layer) }

    func slot(layer: Int, microBatch: Int) -> Slot {
        if keeps(layer: layer) { return kept[(layer - layers.lowerBound) * batch.microBatches.count + microBatch] }
        let slot = shared ?? Slot(shape, rows: batch.largestMicroBatchRows)
        shared = slot
        return slot
    }

    /// Gives back the memory of the set that all take turns with, until it is asked for again.
    func release() { shared = nil }
}

/// d(loss) by a layer's intermediate results, for one micro-batch of up to N rows.
package struct LayerGradients: ~Copyable {
    var attentionNormed: Matrix  // N x C
    var queryKeyValue: Matrix  // N x (H + 2 K) d: by what the maps put out, at the end
    var projected: Matrix  // N x (H + 2 K) d: by the normalised queries, keys and values
    var mixed: Matrix  // N x H d
    var attended: Matrix  // N x C: by what the attention block's output map puts out
    var attentionOutput: Matrix  // N x C: by the normalised attention output, or sum
    var residual: Matrix  // N x C
    var feedForwardNormed: Matrix  // N x C
    var expanded: Matrix  // N x E
    var activated: Matrix  // N x F
    var sharedWeight: Matrix  // N x 1: by the logit of the shared expert's weight
    var routing: Matrix  // N x experts: by the routing weights, then by the router's logits
    var contracted: Matrix  // N x C: by what the contraction puts out
    var feedForwardOutput: Matrix  // N x C: by the normalised feed-forward output, or sum

    init(_ shape: LayerShape, rows: Int) {
        attentionNormed = Matrix(rows: rows, columns: shape.hidden)
        queryKeyValue = Matrix(rows: rows, columns: shape.queryKeyValue)
        projected = Matrix(rows: rows, columns: shape.projected)
        mixed = Matrix(rows: rows, columns: shape.mixed)
        attended = Matrix(rows: rows, columns: shape.hidden)
        attentionOutput = Matrix(rows: rows, columns: shape.blockOutput)
        residual = Matrix(rows: rows, columns: shape.hidden)
        feedForwardNormed = Matrix(rows: rows, columns: shape.hidden)
        expanded = Matrix(rows: rows, columns: shape.expanded)
        activated = Matrix(rows: rows, columns: shape.activated)
        sharedWeight = Matrix(rows: rows, columns: shape.sharedWeight)
        routing = Matrix(rows: rows, columns: shape.routing)
        contracted = Matrix(rows: rows, columns: shape.hidden)
        feedForwardOutput = Matrix(rows: rows, columns: shape.blockOutput)
    }
}
