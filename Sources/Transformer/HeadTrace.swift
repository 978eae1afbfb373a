internal import Checkpoints
package import Tensors

/// What a pass through the head leaves for the gradients: n scored rows.
package struct HeadTrace: ~Copyable {
    let targets: [Int32]
    /// What each row's loss counts for.
    let weights: [Float]
    /// The last layer's output, n x C.
    let rows: Matrix
    var statistics: Matrix  // n x 2
    /// The final normalisation's output, n x C, times the logits' scale where there is no projection.
    var normed: Matrix
    /// The projection's output, n x E, times the logits' scale; without rows where there is no projection.
    var projected: Matrix
    /// d(loss) by the projection's output, or by the normalisation's where there is none, n x E.
    var inputGradient: Matrix
    /// d(loss) by the normalisation's output, n x C, where there is a projection.
    var normedGradient: Matrix
    /// d(loss) by the last layer's output, n x C.
    var gradient: Matrix
    /// Log of the sum of exponentials of each row's logits.
    var logSums: [Float] = []
    var scores = TokenScores()

    init(rows: consuming Matrix, targets: [Int32], weights: [Float], inputColumns: Int, isProjected: Bool) {
        self.targets = targets
        self.weights = weights
        let (count, columns) = (rows.rows, rows.columns)
        statistics = Matrix(rows: count, columns: 2)
        normed = Matrix(rows: count, columns: columns)
        projected = Matrix(rows: isProjected ? count : 0, columns: inputColumns)
        inputGradient = Matrix(rows: count, columns: inputColumns)
        normedGradient = Matrix(rows: isProjected ? count : 0, columns: columns)
        gradient = Matrix(rows: count, columns: columns)
        self.rows = rows
    }

    /// What the map to logits took.
    var inputs: MatrixView {
        @_lifetime(borrow self)
        get { projected.rows > 0 ? projected.view : normed.view }
    }

    /// d(loss) by the normalisation's output.
    var normGradient: MatrixView {
        @_lifetime(borrow self)
        get { projected.rows > 0 ? normedGradient.view : inputGradient.view }
    }
}

extension DecoderHead {
    /// Scores rows and goes back: what the gradients of head, final normalisation and last layer are made of.
    package borrowing func pullBack(_ rows: consuming Matrix, targets: [Int32], weights: [Float]) -> HeadTrace {
        var trace = HeadTrace(
            rows: rows, targets: targets, weights: weights, inputColumns: configuration.embeddingSize, isProjected: isProjected)
        prepare(trace.rows, statistics: &trace.statistics, normed: &trace.normed, projected: &trace.projected)
        var scores = Matrix(rows: trace.rows.rows, columns: 3)
        if isProjected {
            pullBackLogits(trace.projected, targets, weights, scores: &scores, into: &trace.inputGradient)
        } else {
            pullBackLogits(trace.normed, targets, weights, scores: &scores, into: &trace.inputGradient)
        }
        pullBackInputs(&trace.inputGradient, trace.rows, trace.statistics, normed: &trace.normedGradient, into: &trace.gradient)
        trace.logSums = (0..<scores.rows).map { scores.elements[$0 * 3 + 1] }
        trace.scores = TokenScores(scores)
        return trace
    }

    private borrowing func pullBackLogits(
        _ inputs: borrowing Matrix, _ targets: [Int32], _ weights: [Float], scores: inout Matrix, into gradient: inout Matrix
    ) {
        let cap = configuration.bounds.logitSoftcap
        let height = Self.rowsPerTile(vocabularySize: configuration.vocabularySize)
        var capped = Matrix(rows: cap == nil ? 0 : min(height, inputs.rows), columns: configuration.vocabularySize)
        forEachTile(inputs) { range, tile in
            if cap != nil { copy(tile.view, into: &capped) }
            var part = scores.mutableRows(range)
            CrossEntropy.forward(&tile, targets: targets.span.extracting(range), scores: &part)
            CrossEntropy.backward(&tile, targets: targets.span.extracting(range), weights: weights.span.extracting(range))
            if let cap { Softcap.backward(cap, capped: capped.rows(0..<range.count), &tile) }
            var rows = gradient.mutableRows(range)
            pullBack(tile.view, into: &rows)
        }
    }
}
