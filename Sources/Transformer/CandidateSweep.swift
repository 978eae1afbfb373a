package import Checkpoints
internal import Tensors

/// Forward sweeps of a batch with several versions of the weights at once: every version passes a layer before the next layer is read, so
/// that what the versions share is read from the disk once. What leaves the layers that are the same in all is kept for the next sweep.
package final class CandidateSweep {
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

    package let batch: TokenBatch
    private let model: LanguageModel
    private let plan: SweepPlan
    /// What enters the first layer that may change, N x C; nothing where that is the first of all.
    private let begun: KeptMatrix
    private var hasBegun = false

    /// - Parameter plan: of the sweep beside it.
    package init(_ model: LanguageModel, _ batch: TokenBatch, plan: SweepPlan) {
        (self.model, self.batch, self.plan) = (model, batch, plan)
        begun = KeptMatrix(
            rows: plan.unchangedLayers == 0 ? 0 : batch.tokens.count, columns: model.configuration.hiddenSize, in: plan.place(of: .inputs))
    }

    /// Scores every counted token under each of the sources, as many at a time as was planned, in their order.
    package func score(from sources: [any WeightSource]) throws -> [TokenScores] {
        try stride(from: 0, to: sources.count, by: plan.candidates).flatMap { start in
            try scoreTogether(from: sources[start..<min(sources.count, start + plan.candidates)])
        }
    }

    private func scoreTogether(from sources: ArraySlice<any WeightSource>) throws -> [TokenScores] {
        let streams = sources.map { Stream($0, rows: batch.tokens.count, columns: model.configuration.hiddenSize) }
        try advance(streams)
        return try streams.map { stream in
            try DecoderHead(model, from: stream.source).score(stream.hidden, rows: batch.scoredRows, targets: batch.scoredTargets)
        }
    }

    /// Forward through the layers.
    private func advance(_ streams: [Stream]) throws {
        let activations = KeptActivations(LayerShape(model), keeping: 0..<0, batch)
        var pass = LayerPass(model, batch)
        for stream in streams { try begin(stream, &pass, using: activations) }
        for index in plan.unchangedLayers..<model.layout.layers.count {
            for stream in streams { try pass.forward(&stream.hidden, through: index, from: stream.source, using: activations) }
        }
    }

    private func begin(_ stream: Stream, _ pass: inout LayerPass, using activations: KeptActivations) throws {
        if hasBegun { return try begun.load(0..<begun.rows, into: &stream.hidden) }
        try pass.begin(&stream.hidden, at: plan.unchangedLayers, from: stream.source, using: activations)
        guard begun.rows > 0 else { return }
        try begun.store(stream.hidden, at: 0)
        hasBegun = true
    }
}
