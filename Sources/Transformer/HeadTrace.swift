internal import Checkpoints
internal import SystemPackage
internal import Tensors

/// What a pass through the head leaves for the gradients: n scored rows.
package struct HeadTrace: ~Copyable {
    let targets: [Int32]
    /// What each row's loss counts for.
    let weights: [Float]
    /// The last layer's output, n x C.
    let rows: KeptMatrix
    var statistics: Matrix  // n x 2
    /// The final normalisation's output, n x C, times the logits' scale where there is no projection.
    let normed: KeptMatrix
    /// The projection's output, n x E, times the logits' scale; without rows where there is no projection.
    private let projected: KeptMatrix
    /// d(loss) by the projection's output, or by the normalisation's where there is none, n x E.
    let inputGradient: KeptMatrix
    /// d(loss) by the normalisation's output, n x C, where there is a projection.
    private let normedGradient: KeptMatrix
    /// d(loss) by the last layer's output, n x C.
    let gradient: KeptMatrix
    /// Log of the sum of exponentials of each row's logits.
    var logSums: [Float] = []
    var scores = TokenScores()

    /// - Parameter directory: where the matrices' scratch files are; nil: in memory.
    init(_ head: borrowing DecoderHead, targets: [Int32], weights: [Float], in directory: FilePath?) {
        self.targets = targets
        self.weights = weights
        let (count, columns, inputColumns) = (targets.count, head.configuration.hiddenSize, head.configuration.embeddingSize)
        let projections = head.isProjected ? count : 0
        rows = KeptMatrix(rows: count, columns: columns, in: directory)
        normed = KeptMatrix(rows: count, columns: columns, in: directory)
        projected = KeptMatrix(rows: projections, columns: inputColumns, in: directory)
        inputGradient = KeptMatrix(rows: count, columns: inputColumns, in: directory)
        normedGradient = KeptMatrix(rows: projections, columns: columns, in: directory)
        gradient = KeptMatrix(rows: count, columns: columns, in: directory)
        statistics = Matrix(rows: count, columns: 2)
    }

    /// Floats that a row takes.
    static func columns(_ configuration: ModelConfiguration, isProjected: Bool) -> Int {
        let (c, e) = (configuration.hiddenSize, configuration.embeddingSize)
        return 3 * c + e + (isProjected ? c + e : 0)
    }

    /// Calls `body` with what the map to logits took.
    borrowing func withInputs(_ body: (MatrixView) throws -> Void) throws {
        if projected.rows > 0 { try projected.read(body) } else { try normed.read(body) }
    }

    /// Calls `body` with d(loss) by the normalisation's output.
    borrowing func withNormGradient(_ body: (MatrixView) throws -> Void) throws {
        if projected.rows > 0 { try normedGradient.read(body) } else { try inputGradient.read(body) }
    }

    fileprivate mutating func store(_ x: borrowing Matrix, _ inputs: borrowing HeadInputs, _ d: borrowing HeadGradients, at row: Int) throws
    {
        try rows.store(x.view, at: row)
        var moments = statistics.mutableRows(row..<row + x.rows)
        copy(inputs.statistics.view, into: &moments)
        try normed.store(inputs.normed.view, at: row)
        try inputGradient.store(d.inputs.view, at: row)
        try gradient.store(d.rows.view, at: row)
        guard projected.rows > 0 else { return }
        try projected.store(inputs.projected.view, at: row)
        try normedGradient.store(d.normed.view, at: row)
    }
}

/// Gradients of k rows of the head's way.
struct HeadGradients: ~Copyable {
    /// By what the map to logits takes, k x E.
    var inputs: Matrix
    /// By the normalisation's output where there is a projection, k x C.
    var normed: Matrix
    /// By the last layer's output, k x C.
    var rows: Matrix
}

extension DecoderHead {
    /// Scores the rows of `hidden` (N x C) with those numbers and goes back: what the gradients of head, final normalisation and last
    /// layer are made of.
    borrowing func pullBack(
        _ hidden: borrowing Matrix, rows numbers: [Int], targets: [Int32], weights: [Float], in directory: FilePath?
    ) throws -> HeadTrace {
        var trace = HeadTrace(self, targets: targets, weights: weights, in: directory)
        var scores = Matrix(rows: numbers.count, columns: 3)
        var buffer = tileBuffer(numbers.count)
        let cap = configuration.bounds.logitSoftcap
        var capped = Matrix(rows: cap == nil ? 0 : buffer.rows, columns: buffer.columns)
        for range in tiles(of: numbers.count) {
            let x = hidden.gathered(numbers[range])
            var tile = buffer.mutableRows(0..<range.count)
            let inputs = logits(of: x.view, into: &tile)
            if cap != nil { copy(tile.view, into: &capped) }
            var part = scores.mutableRows(range)
            CrossEntropy.forward(&tile, targets: targets.span.extracting(range), scores: &part)
            CrossEntropy.backward(&tile, targets: targets.span.extracting(range), weights: weights.span.extracting(range))
            if let cap { Softcap.backward(cap, capped: capped.rows(0..<range.count), &tile) }
            try trace.store(x, inputs, gradients(of: tile.view, x.view, inputs.statistics.view), at: range.lowerBound)
        }
        trace.logSums = (0..<scores.rows).map { scores.elements[$0 * 3 + 1] }
        trace.scores = TokenScores(scores)
        return trace
    }
}
