package import Checkpoints
internal import Storage
package import Tensors

/// A decoder as a list of layers: every example passes a layer before the next layer's weights are read, so each weight is
/// read once a sweep and one layer is in memory; of a layer's experts, one. On the way back experts are read once a chunk.
/// Layers that are the same in every pass are passed once.
package struct LayerSweep: ~Copyable {
    let model: LanguageModel
    let batch: TokenBatch
    let plan: SweepPlan
    let shape: LayerShape
    let activations: KeptActivations
    /// N x C: the residual stream on the way forward, its gradient on the way back.
    var hidden: Matrix
    /// What enters each layer from the first that may change, N x C after N x C: that first layer's input stays for the next pass.
    let inputs: KeptMatrix
    private var hasFirstInput = false
    var trace: HeadTrace?

    package init(_ model: LanguageModel, _ batch: TokenBatch, plan: SweepPlan) throws {
        self.model = model
        self.batch = batch
        self.plan = plan
        let configuration = model.configuration
        shape = LayerShape(model)
        let changing = plan.unchangedLayers..<configuration.layerCount
        activations = KeptActivations(shape, keeping: plan.holds(.activations) ? changing : 0..<0, batch)
        hidden = Matrix(rows: batch.tokens.count, columns: configuration.hiddenSize)
        inputs = KeptMatrix(
            rows: plan.goesBack ? max(1, changing.count) * batch.tokens.count : 0, columns: configuration.hiddenSize,
            in: plan.place(of: .inputs))
    }

    /// Scores every counted token.
    package mutating func score(from source: any WeightSource) throws -> TokenScores {
        try advance(from: source)
        return try DecoderHead(model, from: source).score(hidden, rows: batch.scoredRows, targets: batch.scoredTargets)
    }

    /// The last layer's output at every scored row of a batch: n x C, before the final normalisation.
    package static func scoredRows(_ model: LanguageModel, _ batch: TokenBatch, from source: any WeightSource) throws -> Matrix {
        var sweep = try LayerSweep(model, batch, plan: .forward)
        try sweep.advance(from: source)
        return sweep.hidden.gathered(batch.scoredRows[...])
    }

    /// Forward through the layers.
    private mutating func advance(from source: any WeightSource) throws {
        restoreWidth()
        var pass = LayerPass(model, batch)
        let first = plan.unchangedLayers
        if hasFirstInput {
            try inputs.load(0..<hidden.rows, into: &hidden)
        } else {
            try pass.begin(&hidden, at: first, from: source, using: activations)
            if plan.goesBack { try inputs.store(hidden, at: 0) }
            hasFirstInput = plan.goesBack && first > 0
        }
        for index in first..<model.layout.layers.count {
            if plan.goesBack && index > first { try inputs.store(hidden, at: (index - first) * hidden.rows) }
            try pass.forward(&hidden, through: index, from: source, using: activations)
        }
        if !plan.holds(.factors) { activations.release() }
    }

    /// A pass back may have left what is as wide as the embedding.
    mutating func restoreWidth() {
        let columns = model.configuration.hiddenSize
        if hidden.columns != columns { hidden = Matrix(rows: batch.tokens.count, columns: columns) }
    }

    /// Scores every counted token, and keeps what `backward` needs. An example's loss is the mean over its tokens.
    package mutating func scoreKeeping(from source: any WeightSource) throws -> TokenScores {
        precondition(plan.goesBack)
        trace = nil
        try advance(from: source)
        let trace = try DecoderHead(model, from: source).pullBack(
            hidden, rows: batch.scoredRows, targets: batch.scoredTargets, weights: batch.lossWeights, in: plan.place(of: .factors))
        let scores = trace.scores
        self.trace = consume trace
        return scores
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

    /// The examples among `candidates` with rows in a micro-batch: their numbers among the candidates, their rows within it.
    func examples(_ candidates: Range<Int>, within rows: Range<Int>) -> [(index: Int, rows: Range<Int>)] {
        candidates.compactMap { example in
            let shared = exampleRows[example].clamped(to: rows)
            return shared.isEmpty ? nil : (example - candidates.lowerBound, shared.shifted(by: -rows.lowerBound))
        }
    }
}
