internal import Checkpoints
internal import Tensors

/// Takes a batch's residual stream forward through one layer after another; one layer's weights are in memory, and of its experts one's.
struct LayerPass: ~Copyable {
    private let model: LanguageModel
    private let batch: TokenBatch
    private var layer: DecoderLayer
    private var experts: Experts

    init(_ model: LanguageModel, _ batch: TokenBatch) {
        (self.model, self.batch) = (model, batch)
        layer = DecoderLayer(model, positions: batch.longestSegment)
        experts = Experts(model, LayerShape(model), rows: batch.tokens.count, withGradients: false)
    }

    /// The batch's tokens become what enters layer `first`, N x C.
    mutating func begin(
        _ hidden: inout Matrix, at first: Int, from source: any WeightSource, using activations: KeptActivations
    ) throws {
        try TokenEmbedding(model: model, batch: batch).embed(from: source, into: &hidden)
        for index in 0..<first { try forward(&hidden, through: index, from: source, using: activations) }
    }

    /// Forward through a layer.
    mutating func forward(
        _ hidden: inout Matrix, through index: Int, from source: any WeightSource, using activations: KeptActivations
    ) throws {
        let routed = model.layout.layers[index].experts
        try layer.load(index, of: model, from: source)
        for (number, piece) in batch.microBatches.enumerated() {
            let slot = activations.slot(layer: index, microBatch: number)
            layer.forward(&hidden, rows: piece.rows, segments: piece.segments, activations: &slot.activations)
            if !routed.isEmpty { experts.take(slot.activations, at: piece.rows) }
        }
        try experts.forward(routed, microBatches: batch.microBatches.map(\.rows), from: source, addingTo: &hidden)
    }
}
