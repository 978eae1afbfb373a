package import Checkpoints
internal import Storage
package import Tensors

/// A decoder as a list of layers: every example passes a layer before the next layer's weights are read, so each weight is
/// read once a sweep and one layer is in memory.
package struct LayerSweep: ~Copyable {
    private let model: LanguageModel
    private let batch: TokenBatch
    private let plan: SweepPlan
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
        layer = DecoderLayer(model, positions: batch.longestSegment)
        activations = KeptActivations(configuration, batch, areKept: plan.keepsActivations)
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
        try embed(from: source)
        for index in model.layout.layers.indices {
            if plan.keepsInputs { try kept.store(hidden, inSlot: index) }
            try layer.load(index, of: model, from: source)
            for (number, piece) in batch.microBatches.enumerated() {
                let slot = activations.slot(layer: index, microBatch: number)
                layer.forward(&hidden, rows: piece.rows, segments: piece.segments, activations: &slot.activations)
            }
        }
        var rows = Matrix(rows: batch.scoredRows.count, columns: hidden.columns)
        for (index, row) in batch.scoredRows.enumerated() { copy(hidden, row..<row + 1, into: &rows, index..<index + 1) }
        return rows
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
        hidden.fill(0)
        for (index, row) in batch.scoredRows.enumerated() { copy(trace.gradient, index..<index + 1, into: &hidden, row..<row + 1) }
        var gradients = LayerGradients(configuration, rows: batch.largestMicroBatchRows)
        let chunks = batch.chunks(ofRows: tap.needsEveryExample ? Int.max : plan.chunkRows)
        let mostRows = chunks.map { batch.rows(of: $0.microBatches).count }.max() ?? 0
        let mostExamples = chunks.map(\.examples.count).max() ?? 0
        var factors = LayerFactors(configuration, rows: mostRows, examples: mostExamples)
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
                    factors.keepOutputGradient(hidden, piece.rows, at: start)
                    layer.backward(
                        input, xRows: here, gradient: &hidden, rows: piece.rows, segments: piece.segments,
                        activations: slot.activations, gradients: &gradients)
                    factors.keep(
                        slot.activations, gradients, input: input, count: piece.rows.count, at: start,
                        examples: batch.examples(chunk.examples, within: piece.rows))
                }
                let exampleRows = batch.exampleRows[chunk.examples].map { $0.shifted(by: -rows.lowerBound) }
                repeat {
                    try factors.visit(model.layout.layers[index], tap, rows: rows.count, exampleRows: exampleRows, examples: chunk.examples)
                } while try chunk.examples.upperBound == batch.exampleRows.count && tap.finish(group)
            }
        }
        try visitEmbeddings(trace, from: source, tap)
        self.trace = consume trace
    }

    private mutating func embed(from source: any WeightSource) throws {
        let columns = hidden.columns
        let embedding = model.layout.embedding
        let positions = model.layout.positionEmbedding == nil ? [] : batch.positions
        var table = Matrix(rows: positions.isEmpty ? 0 : batch.longestSegment, columns: columns)
        if let name = model.layout.positionEmbedding {
            var elements = table.mutableElements
            try source.read(name, from: 0, into: &elements)
        }
        for (row, token) in batch.tokens.enumerated() {
            var view = hidden.mutableRows(row..<row + 1)
            try source.read(embedding, from: Int(token) * columns, into: &view.elements)
            if !positions.isEmpty { addRow(table.view.row(Int(positions[row])), to: &view.elements) }
        }
    }

    /// The final normalisation and, where it is its own tensor, the head.
    private borrowing func visitHead(_ trace: borrowing HeadTrace, from source: any WeightSource, _ tap: any GradientTap) throws {
        let layout = model.layout
        let width = hidden.columns
        let examples = 0..<batch.exampleRows.count
        var ones = Matrix(rows: examples.count, columns: 1)
        ones.fill(1)
        var norms = Matrix(rows: examples.count, columns: 2 * width)
        addNormGradients(
            trace.normedGradient.view, trace.rows.view, trace.statistics.view,
            batch.exampleScoredRows.enumerated().map { ($0.offset, $0.element) }, to: &norms, at: 0, width)
        repeat {
            try visitNorm(layout.finalNorm, norms, ones, at: 0, width, tap, examples)
        } while try tap.finish(ParameterGroup(name: "final norm"))
        guard layout.head != layout.embedding else { return }
        repeat {
            try visitHeadSlices(trace, from: source, tap, lookup: hidden, indices: [])
        } while try tap.finish(ParameterGroup(name: "head"))
    }

    /// The embeddings, with the head where it is tied; `hidden` holds the gradient by the embedded tokens.
    private borrowing func visitEmbeddings(_ trace: borrowing HeadTrace, from source: any WeightSource, _ tap: any GradientTap) throws {
        let layout = model.layout
        let examples = 0..<batch.exampleRows.count
        if let name = layout.positionEmbedding {
            repeat {
                try visitLookup(name, rows: model.configuration.contextLength, indices: batch.positions, tap, examples)
            } while try tap.finish(ParameterGroup(name: "position embedding"))
        }
        repeat {
            if layout.head == layout.embedding {
                try visitHeadSlices(trace, from: source, tap, lookup: hidden, indices: batch.tokens)
            } else {
                try visitLookup(layout.embedding, rows: model.configuration.vocabularySize, indices: batch.tokens, tap, examples)
            }
        } while try tap.finish(ParameterGroup(name: "embedding"))
    }

    private borrowing func visitLookup(_ name: String, rows: Int, indices: [Int32], _ tap: any GradientTap, _ examples: Range<Int>) throws {
        let height = GradientSlices.height(rows: rows, tokens: examples.count)
        let none = Matrix(rows: 0, columns: hidden.columns)
        for start in stride(from: 0, to: rows, by: height) {
            let slice = ParameterSlice(name: name, firstRow: start, rows: min(height, rows - start), columns: hidden.columns)
            let empty = Matrix(rows: 0, columns: slice.rows)
            let factors = GradientFactors(
                left: empty.view, right: none.view, exampleRows: examples.map { _ in 0..<0 }, lookup: hidden.view,
                indices: indices.map { $0 - Int32(start) }, lookupExampleRows: batch.exampleRows)
            try tap.visit(slice, factors, examples: examples)
        }
    }

    /// The head's rows, slice by slice: the gradients by a slice's logits are formed anew from the kept log-sums.
    private borrowing func visitHeadSlices(
        _ trace: borrowing HeadTrace, from source: any WeightSource, _ tap: any GradientTap, lookup: borrowing Matrix, indices: [Int32]
    ) throws {
        let (rows, columns) = (model.configuration.vocabularySize, hidden.columns)
        let count = trace.rows.rows
        let height = GradientSlices.height(rows: rows, tokens: count)
        var weights = Matrix(rows: min(height, rows), columns: columns)
        var buffer = Matrix(rows: count, columns: min(height, rows))
        for start in stride(from: 0, to: rows, by: height) {
            let slice = ParameterSlice(name: model.layout.head, firstRow: start, rows: min(height, rows - start), columns: columns)
            var part = weights.mutableRows(0..<slice.rows)
            try source.read(slice.name, from: slice.offset, into: &part.elements)
            var logits = buffer.mutableView
            var tile = logits.leading(rows: count, columns: slice.rows)
            LinearAlgebra.multiply(trace.normed.view, part.view.transposed, into: &tile)
            CrossEntropy.backward(
                &tile, firstColumn: start, logSums: trace.logSums.span, targets: trace.targets.span, weights: trace.weights.span)
            let factors = GradientFactors(
                left: tile.view, right: trace.normed.view, exampleRows: batch.exampleScoredRows, lookup: lookup.view,
                indices: indices.map { $0 - Int32(start) }, lookupExampleRows: indices.isEmpty ? [] : batch.exampleRows)
            try tap.visit(slice, factors, examples: 0..<batch.exampleRows.count)
        }
    }
}

/// How many rows of a large parameter are shown at once: by shape alone, so that the budget does not change results.
enum GradientSlices {
    static func height(rows: Int, tokens: Int) -> Int { min(rows, max(64, (1 << 22) / max(1, tokens))) }
}

extension TokenBatch {
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

private func addRow(_ source: Span<Float>, to target: inout MutableSpan<Float>) {
    for column in target.indices { target[column] += source[column] }
}
