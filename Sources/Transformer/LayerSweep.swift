package import Checkpoints
internal import Storage
package import Tensors

/// A decoder as a list of layers: every example passes a layer before the next layer's weights are read, so each weight is
/// read once a sweep and one layer is in memory.
package struct LayerSweep: ~Copyable {
    private let model: LanguageModel
    private let batch: TokenBatch
    private let plan: SweepPlan
    private let shape: LayerShape
    private var layer: DecoderLayer
    private let activations: KeptActivations
    /// N x C: the residual stream on the way forward, its gradient on the way back.
    private var hidden: Matrix
    /// Each layer's input.
    private var kept: KeptRows
    private var trace: HeadTrace?

    package init(_ model: LanguageModel, _ batch: TokenBatch, plan: SweepPlan) throws {
        self.model = model
        self.batch = batch
        self.plan = plan
        let configuration = model.configuration
        shape = LayerShape(model)
        layer = DecoderLayer(model, positions: batch.longestSegment)
        activations = KeptActivations(shape, layers: configuration.layerCount, batch, areKept: plan.keepsActivations)
        hidden = Matrix(rows: batch.tokens.count, columns: configuration.hiddenSize)
        kept = KeptRows(
            slots: plan.keepsInputs ? configuration.layerCount : 0, rows: batch.tokens.count, columns: configuration.hiddenSize,
            scratch: plan.keepsInputs ? try plan.scratchDirectory.map { path throws in try ScratchFile(in: path) } : nil)
    }

    /// Scores every counted token.
    package mutating func score(from source: any WeightSource) throws -> TokenScores {
        let rows = try scoredRows(from: source)
        return try DecoderHead(model, from: source).score(rows, targets: batch.scoredTargets)
    }

    /// The last layer's output at every scored row: n x C, before the final normalisation.
    package mutating func scoredRows(from source: any WeightSource) throws -> Matrix {
        try TokenEmbedding(model: model, batch: batch).embed(from: source, into: &hidden)
        for index in model.layout.layers.indices {
            if plan.keepsInputs { try kept.store(hidden, inSlot: index) }
            try layer.load(index, of: model, from: source)
            for (number, piece) in batch.microBatches.enumerated() {
                let slot = activations.slot(layer: index, microBatch: number)
                layer.forward(&hidden, rows: piece.rows, segments: piece.segments, activations: &slot.activations)
            }
        }
        return batch.scored(hidden)
    }

    /// Scores every counted token, and keeps what `backward` needs. An example's loss is the mean over its tokens.
    package mutating func scoreKeeping(from source: any WeightSource) throws -> TokenScores {
        precondition(plan.keepsInputs)
        let rows = try scoredRows(from: source)
        let trace = try DecoderHead(model, from: source).pullBack(rows, targets: batch.scoredTargets, weights: batch.lossWeights)
        let scores = trace.scores
        self.trace = consume trace
        return scores
    }

    /// Goes back through the layers that `scoreKeeping` went through, with the same weights, and shows every parameter's
    /// gradient factors to the tap: the head's first, the embedding's last. May be called again, unless it threw.
    package mutating func backward(from source: any WeightSource, tap: any GradientTap) throws {
        guard let trace = trace.take() else { preconditionFailure("backward without scoreKeeping") }
        let configuration = model.configuration
        try visitHead(trace, from: source, tap)
        // An earlier pass back may have left what is as wide as the embedding.
        if hidden.columns == configuration.hiddenSize {
            hidden.fill(0)
        } else {
            hidden = Matrix(rows: batch.tokens.count, columns: configuration.hiddenSize)
        }
        for (index, row) in batch.scoredRows.enumerated() { copy(trace.gradient, index..<index + 1, into: &hidden, row..<row + 1) }
        var gradients = LayerGradients(shape, rows: batch.largestMicroBatchRows)
        let chunks = batch.chunks(ofRows: tap.needsEveryExample ? Int.max : plan.chunkRows)
        let mostRows = chunks.map { batch.rows(of: $0.microBatches).count }.max() ?? 0
        let mostExamples = chunks.map(\.examples.count).max() ?? 0
        var factors = LayerFactors(shape, model.layout.layers, rows: mostRows, examples: mostExamples)
        var input = Matrix(rows: batch.largestMicroBatchRows, columns: configuration.hiddenSize)
        for index in model.layout.layers.indices.reversed() {
            try layer.load(index, of: model, from: source)
            let group = ParameterGroup(name: "layer \(index)")
            for chunk in chunks {
                let rows = batch.rows(of: chunk.microBatches)
                factors.clear()
                for number in chunk.microBatches {
                    let (piece, slot) = (batch.microBatches[number], activations.slot(layer: index, microBatch: number))
                    try kept.load(slot: index, rows: piece.rows, into: &input)
                    let here = 0..<piece.rows.count
                    if !activations.areKept { layer.activate(input, rows: here, segments: piece.segments, &slot.activations) }
                    let start = piece.rows.lowerBound - rows.lowerBound
                    layer.backward(
                        input, xRows: here, gradient: &hidden, rows: piece.rows, segments: piece.segments,
                        activations: slot.activations, gradients: &gradients)
                    factors.keep(
                        layer, slot.activations, gradients, input: input, count: piece.rows.count, at: start,
                        examples: batch.examples(chunk.examples, within: piece.rows))
                }
                let exampleRows = batch.exampleRows[chunk.examples].map { $0.shifted(by: -rows.lowerBound) }
                repeat {
                    try factors.visit(model.layout.layers[index], tap, rows: rows.count, exampleRows: exampleRows, examples: chunk.examples)
                } while try chunk.examples.upperBound == batch.exampleRows.count && tap.finish(group)
            }
        }
        try TokenEmbedding(model: model, batch: batch).backward(&hidden, from: source, tap)
        try visitEmbedding(trace, from: source, tap)
        self.trace = consume trace
    }

    /// The final normalisation, the projection after it, and, where it is its own tensor, the head.
    private borrowing func visitHead(_ trace: borrowing HeadTrace, from source: any WeightSource, _ tap: any GradientTap) throws {
        let layout = model.layout
        let examples = 0..<batch.exampleRows.count
        if let norm = layout.finalNorm {
            var norms = NormGradients(widths: 2 * norm.width, examples: examples.count)
            norms.place([norm])
            norms.add(
                0, trace.normGradient, trace.rows.view, trace.statistics.view,
                batch.exampleScoredRows.enumerated().map { ($0.offset, $0.element) })
            repeat { try norms.visit([norm], tap, examples) } while try tap.finish(ParameterGroup(name: "final norm"))
        }
        if let projection = layout.headProjection {
            let none = Matrix(rows: trace.rows.rows, columns: 1)
            repeat {
                try projection.visit(
                    tap, trace.normed.view, trace.inputGradient.view, ones: none.view, batch.exampleScoredRows, examples)
            } while try tap.finish(ParameterGroup(name: "head projection"))
        }
        guard layout.head != layout.embedding else { return }
        let none = Matrix(rows: 0, columns: model.configuration.embeddingSize)
        repeat {
            try HeadSlices(model: model, batch: batch).visit(trace, from: source, tap, lookup: none, indices: [])
        } while try tap.finish(ParameterGroup(name: "head"))
    }

    /// The embedding, with the head where it is tied; `hidden` holds the gradient by the embedding's rows.
    private borrowing func visitEmbedding(_ trace: borrowing HeadTrace, from source: any WeightSource, _ tap: any GradientTap) throws {
        let layout = model.layout
        repeat {
            if layout.head == layout.embedding {
                try HeadSlices(model: model, batch: batch).visit(trace, from: source, tap, lookup: hidden, indices: batch.tokens)
            } else {
                try TokenEmbedding(model: model, batch: batch).visitLookup(
                    layout.embedding, rows: model.configuration.vocabularySize, hidden, indices: batch.tokens, tap)
            }
        } while try tap.finish(ParameterGroup(name: "embedding"))
    }
}

/// How many rows of a large parameter are shown at once: by shape alone, so that the budget does not change results.
enum GradientSlices {
    static func height(rows: Int, tokens: Int) -> Int { min(rows, max(64, (1 << 22) / max(1, tokens))) }
}

extension TokenBatch {
    /// The scored rows of a residual stream.
    func scored(_ hidden: borrowing Matrix) -> Matrix {
        var rows = Matrix(rows: scoredRows.count, columns: hidden.columns)
        for (index, row) in scoredRows.enumerated() { copy(hidden, row..<row + 1, into: &rows, index..<index + 1) }
        return rows
    }

    /// The targets of the scored rows.
    package var scoredTargets: [Int32] { scoredRows.map { targets[$0] } }

    /// What each scored row counts for in its example's mean loss.
    var lossWeights: [Float] { exampleScoredRows.flatMap { range in range.map { _ in 1 / Float(range.count) } } }

    func rows(of pieces: Range<Int>) -> Range<Int> {
        microBatches[pieces.lowerBound].rows.lowerBound..<microBatches[pieces.upperBound - 1].rows.upperBound
    }

    /// The examples among `candidates` with rows in a micro-batch: their numbers among the candidates, their rows within it.
    func examples(_ candidates: Range<Int>, within rows: Range<Int>) -> [(index: Int, rows: Range<Int>)] {
        candidates.compactMap { example in
            let shared = exampleRows[example].clamped(to: rows)
            return shared.isEmpty ? nil : (example - candidates.lowerBound, shared.shifted(by: -rows.lowerBound))
        }
    }
}

extension Range<Int> {
    func shifted(by distance: Int) -> Range<Int> { lowerBound + distance..<upperBound + distance }
}
