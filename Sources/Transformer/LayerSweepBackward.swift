package import Checkpoints
internal import Tensors

extension LayerSweep {
    /// Goes back through the layers that `scoreKeeping` went through, with the same weights, and shows every parameter's
    /// gradient factors to the tap: the head's first, the embedding's last; no further down than the tap wants, which is not below what
    /// may change. May be called again, unless it threw.
    package mutating func backward(from source: any WeightSource, tap: any GradientTap) throws {
        guard let trace = trace.take() else { preconditionFailure("backward without scoreKeeping") }
        try visitHead(trace, from: source, tap)
        let lowest = model.layout.unchangedLayers(where: tap.wants)
        precondition(lowest >= plan.unchangedLayers)
        if lowest < model.layout.layers.count {
            try beginGradient(trace)
            try visitLayers(downTo: lowest, from: source, tap)
        }
        if model.layout.changesInput(where: tap.wants) {
            try TokenEmbedding(model: model, batch: batch).backward(&hidden, from: source, tap)
            try visitEmbedding(trace, from: source, tap)
        }
        self.trace = consume trace
    }

    /// `hidden` becomes the gradient by the last layer's output.
    private mutating func beginGradient(_ trace: borrowing HeadTrace) throws {
        restoreWidth()
        hidden.fill(0)
        let height = TokenBatch.largestMicroBatch
        var buffer = Matrix(rows: min(height, batch.scoredRows.count), columns: hidden.columns)
        for start in stride(from: 0, to: batch.scoredRows.count, by: height) {
            let range = start..<min(batch.scoredRows.count, start + height)
            try trace.gradient.load(range, into: &buffer)
            for index in range {
                let row = batch.scoredRows[index]
                copy(buffer, index - start..<index - start + 1, into: &hidden, row..<row + 1)
            }
        }
    }

    private mutating func visitLayers(downTo lowest: Int, from source: any WeightSource, _ tap: any GradientTap) throws {
        let layers = model.layout.layers
        let chunks = batch.chunks(ofRows: tap.needsEveryExample ? Int.max : plan.chunkRows).map { SweepChunk(batch, $0, $1) }
        let mostRows = chunks.map(\.rowCount).max() ?? 0
        var factors = LayerFactors(
            shape, layers, rows: mostRows, examples: chunks.map(\.examples.count).max() ?? 0, in: plan.place(of: .factors))
        var experts = Experts(model, shape, rows: mostRows, withGradients: true)
        var layer = DecoderLayer(model, positions: batch.longestSegment)
        for index in (lowest..<layers.count).reversed() {
            try layer.load(index, of: model, from: source)
            for chunk in chunks {
                let layout = layers[index].experts
                if !layout.isEmpty { try take(index, layer, chunk, into: &experts) }
                try experts.backward(layout, chunk, from: source, tap)
                try goBack(through: index, layer, chunk, experts, tap, keeping: &factors)
                if !plan.holds(.factors) { activations.release() }
                try factors.visit(layers[index], tap, chunk)
                while try chunk.isLast && tap.finish(ParameterGroup(name: "layer \(index)")) {
                    try experts.backward(layout, chunk, from: source, tap)
                    try factors.visit(layers[index], tap, chunk)
                }
            }
        }
    }

    /// What the experts of a layer go back from.
    private borrowing func take(
        _ index: Int, _ layer: borrowing DecoderLayer, _ chunk: SweepChunk, into experts: inout Experts
    ) throws {
        var input = Matrix(rows: batch.largestMicroBatchRows, columns: model.configuration.hiddenSize)
        for (number, rows) in chunk.microBatches {
            let slot = try activate(index, layer, microBatch: number, input: &input)
            experts.take(slot.activations, at: rows)
            experts.takeGradient(hidden, batch.microBatches[number].rows, at: rows)
        }
    }

    /// Takes the gradient of a chunk's rows back through a layer, and keeps the factors of its parameters' gradients.
    private mutating func goBack(
        through index: Int, _ layer: borrowing DecoderLayer, _ chunk: SweepChunk, _ experts: borrowing Experts,
        _ tap: any GradientTap, keeping factors: inout LayerFactors
    ) throws {
        var gradients = LayerGradients(shape, rows: batch.largestMicroBatchRows)
        var input = Matrix(rows: batch.largestMicroBatchRows, columns: model.configuration.hiddenSize)
        factors.clear()
        for (number, rows) in chunk.microBatches {
            let (piece, slot) = (batch.microBatches[number], try activate(index, layer, microBatch: number, input: &input))
            if !model.layout.layers[index].experts.isEmpty { experts.give(&gradients, of: rows) }
            layer.backward(
                input, xRows: 0..<rows.count, gradient: &hidden, rows: piece.rows, segments: piece.segments,
                activations: slot.activations, gradients: &gradients)
            try factors.keep(
                layer, slot.activations, gradients, input: input, at: rows,
                examples: batch.examples(chunk.examples, within: piece.rows), for: tap)
        }
    }

    /// A micro-batch's activations in a layer, as the forward sweep left them or computed anew; `input` receives
    /// what they are computed from.
    private borrowing func activate(
        _ index: Int, _ layer: borrowing DecoderLayer, microBatch number: Int, input: inout Matrix
    ) throws -> KeptActivations.Slot {
        let (piece, slot) = (batch.microBatches[number], activations.slot(layer: index, microBatch: number))
        try inputs.load(piece.rows.shifted(by: (index - plan.unchangedLayers) * batch.tokens.count), into: &input)
        if !activations.keeps(layer: index) {
            layer.activate(input, rows: 0..<piece.rows.count, segments: piece.segments, &slot.activations)
        }
        return slot
    }

    /// The final normalisation, the projection after it, and, where it is its own tensor, the head.
    private borrowing func visitHead(_ trace: borrowing HeadTrace, from source: any WeightSource, _ tap: any GradientTap) throws {
        let layout = model.layout
        let examples = 0..<batch.exampleRows.count
        if let norm = layout.finalNorm, norm.names.contains(where: tap.wants) {
            var norms = NormGradients(widths: 2 * norm.width, examples: examples.count)
            norms.place([norm])
            try trace.rows.read { rows in
                try trace.withNormGradient { gradient in
                    norms.add(
                        0, gradient, rows, trace.statistics.view, batch.exampleScoredRows.enumerated().map { ($0.offset, $0.element) })
                }
            }
            repeat { try norms.visit([norm], tap, examples) } while try tap.finish(ParameterGroup(name: "final norm"))
        }
        if let projection = layout.headProjection, projection.names.contains(where: tap.wants) {
            let none = Matrix(rows: trace.rows.rows, columns: 1)
            try trace.normed.read { normed in
                try trace.inputGradient.read { gradient in
                    repeat {
                        try projection.visit(tap, normed, gradient, ones: none.view, batch.exampleScoredRows, examples)
                    } while try tap.finish(ParameterGroup(name: "head projection"))
                }
            }
        }
        guard layout.head != layout.embedding, ([layout.head] + [layout.headBias].compactMap { $0 }).contains(where: tap.wants) else {
            return
        }
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

extension TensorLayout {
    /// Whether something wanted enters the first layer, or is one tensor with what does.
    func changesInput(where isWanted: (String) -> Bool) -> Bool {
        let names = [embedding, positionEmbedding].compactMap { $0 } + (embeddingNorm?.names ?? []) + (embeddingProjection?.names ?? [])
        let tied = head == embedding ? [headBias].compactMap { $0 } : []
        return (names + tied).contains(where: isWanted)
    }

    /// How many layers from the first up have nothing wanted, and nothing wanted before them: what enters the one after them does not change
    /// where only what is wanted does, and no gradient need reach further down.
    package func unchangedLayers(where isWanted: (String) -> Bool) -> Int {
        changesInput(where: isWanted) ? 0 : layers.firstIndex { $0.parameters.contains(where: isWanted) } ?? layers.count
    }
}
