package import Checkpoints
internal import Tensors

/// One forward sweep of a batch with several versions of the weights: every version passes a layer before the next layer is read, so that
/// what the versions share is read from the disk once.
package struct CandidateSweep: ~Copyable {
    /// One version's residual stream, N x C.
    private final class Stream {
        let source: any WeightSource
        var hidden: Matrix

        init(_ source: any WeightSource, rows: Int, columns: Int) {
            self.source = source
            hidden = Matrix(rows: rows, columns: columns)
        }
    }

    /// As many versions as a memory budget counts with.
    package static let most = 4

    private let model: LanguageModel
    private let batch: TokenBatch
    private var layer: DecoderLayer
    private var activations: LayerActivations

    package init(_ model: LanguageModel, _ batch: TokenBatch) {
        self.model = model
        self.batch = batch
        layer = DecoderLayer(model, positions: batch.longestSegment)
        activations = LayerActivations(LayerShape(model), rows: batch.largestMicroBatchRows)
    }

    /// Scores every counted token under each of the sources, at most `most` of them, in their order.
    package mutating func score(from sources: [any WeightSource]) throws -> [TokenScores] {
        precondition(sources.count <= Self.most)
        let streams = sources.map { Stream($0, rows: batch.tokens.count, columns: model.configuration.hiddenSize) }
        for stream in streams { try TokenEmbedding(model: model, batch: batch).embed(from: stream.source, into: &stream.hidden) }
        var experts = Experts(model, LayerShape(model), rows: batch.tokens.count, withGradients: false)
        for (index, layout) in model.layout.layers.enumerated() {
            for stream in streams {
                try layer.load(index, of: model, from: stream.source)
                for piece in batch.microBatches {
                    layer.forward(&stream.hidden, rows: piece.rows, segments: piece.segments, activations: &activations)
                    if !layout.experts.isEmpty { experts.take(activations, at: piece.rows) }
                }
                try experts.forward(
                    layout.experts, microBatches: batch.microBatches.map(\.rows), from: stream.source, addingTo: &stream.hidden)
            }
        }
        return try streams.map { stream in
            try DecoderHead(model, from: stream.source).score(stream.hidden, rows: batch.scoredRows, targets: batch.scoredTargets)
        }
    }
}
