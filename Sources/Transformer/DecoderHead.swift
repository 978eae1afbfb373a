package import Checkpoints
package import Tensors

/// What comes after the last layer: the final normalisation and the map to logits. n: scored rows, C: width, V: vocabulary.
package struct DecoderHead: ~Copyable {
    private let configuration: ModelConfiguration
    private var norm: Matrix  // 2 x C: weight, bias
    private let hasBias: Bool
    private var weight: Matrix  // V x C

    package init(_ model: LanguageModel, from source: any WeightSource) throws {
        configuration = model.configuration
        let layout = model.layout
        norm = Matrix(rows: 2, columns: configuration.hiddenSize)
        hasBias = layout.finalNorm.bias != nil
        weight = Matrix(rows: configuration.vocabularySize, columns: configuration.hiddenSize)
        var scale = norm.mutableRows(0..<1)
        try source.read(layout.finalNorm.weight, from: 0, into: &scale.elements)
        if let bias = layout.finalNorm.bias {
            var shift = norm.mutableRows(1..<2)
            try source.read(bias, from: 0, into: &shift.elements)
        }
        var elements = weight.mutableElements
        try source.read(layout.head, from: 0, into: &elements)
    }

    /// Rows whose logits are held at once: by the vocabulary's size alone, some 64 MiB.
    package static func rowsPerTile(vocabularySize: Int) -> Int { min(1024, max(16, (1 << 24) / vocabularySize)) }

    /// Calls `visit` with the logits (k x V) of `rows` (n x C), tile by tile; `visit` may overwrite them.
    package borrowing func logits(
        of rows: borrowing Matrix, _ visit: (Range<Int>, inout MutableMatrixView) throws -> Void
    ) rethrows {
        var normed = Matrix(rows: rows.rows, columns: rows.columns)
        var statistics = Matrix(rows: rows.rows, columns: 2)
        normalize(rows, into: &normed, statistics: &statistics)
        let height = Self.rowsPerTile(vocabularySize: weight.rows)
        var buffer = Matrix(rows: min(height, rows.rows), columns: weight.rows)
        for start in stride(from: 0, to: rows.rows, by: height) {
            let range = start..<min(rows.rows, start + height)
            var tile = buffer.mutableRows(0..<range.count)
            LinearAlgebra.multiply(normed.rows(range), weight.view.transposed, into: &tile)
            try visit(range, &tile)
        }
    }

    /// Scores rows (n x C) against their targets.
    package borrowing func score(_ rows: borrowing Matrix, targets: [Int32]) -> TokenScores {
        var scores = Matrix(rows: rows.rows, columns: 3)
        logits(of: rows) { range, tile in
            var part = scores.mutableRows(range)
            CrossEntropy.forward(&tile, targets: targets.span.extracting(range), scores: &part)
        }
        return TokenScores(scores)
    }

    /// Scores rows and goes back: what the gradients of head, final normalisation and last layer are made of.
    package borrowing func pullBack(_ rows: consuming Matrix, targets: [Int32], weights: [Float]) -> HeadTrace {
        var trace = HeadTrace(rows: rows, targets: targets, weights: weights)
        var scores = Matrix(rows: trace.rows.rows, columns: 3)
        normalize(trace.rows, into: &trace.normed, statistics: &trace.statistics)
        let height = Self.rowsPerTile(vocabularySize: weight.rows)
        var buffer = Matrix(rows: min(height, trace.rows.rows), columns: weight.rows)
        for start in stride(from: 0, to: trace.rows.rows, by: height) {
            let range = start..<min(trace.rows.rows, start + height)
            var tile = buffer.mutableRows(0..<range.count)
            LinearAlgebra.multiply(trace.normed.rows(range), weight.view.transposed, into: &tile)
            var part = scores.mutableRows(range)
            CrossEntropy.forward(&tile, targets: targets.span.extracting(range), scores: &part)
            CrossEntropy.backward(&tile, targets: targets.span.extracting(range), weights: weights.span.extracting(range))
            var gradient = trace.normedGradient.mutableRows(range)
            LinearAlgebra.multiply(tile.view, weight.view, into: &gradient)
        }
        trace.pullBackNorm(configuration, weight: norm)
        trace.logSums = (0..<scores.rows).map { scores.elements[$0 * 3 + 1] }
        trace.scores = TokenScores(scores)
        return trace
    }

    private borrowing func normalize(_ x: borrowing Matrix, into y: inout Matrix, statistics: inout Matrix) {
        var output = y.mutableView
        var moments = statistics.mutableView
        let none = norm.elements.extracting(0..<0)
        Normalization.forward(
            configuration.norm, x.view, weight: norm.view.row(0), bias: hasBias ? norm.view.row(1) : none,
            epsilon: configuration.normEpsilon, into: &output, statistics: &moments)
    }
}

/// What a pass through the head leaves for the gradients: n scored rows.
package struct HeadTrace: ~Copyable {
    let targets: [Int32]
    /// What each row's loss counts for.
    let weights: [Float]
    /// The last layer's output, n x C.
    let rows: Matrix
    var statistics: Matrix  // n x 2
    var normed: Matrix  // n x C
    var normedGradient: Matrix  // n x C
    /// d(loss) by the last layer's output, n x C.
    var gradient: Matrix
    /// Log of the sum of exponentials of each row's logits.
    var logSums: [Float] = []
    var scores = TokenScores()

    fileprivate init(rows: consuming Matrix, targets: [Int32], weights: [Float]) {
        self.targets = targets
        self.weights = weights
        let (count, columns) = (rows.rows, rows.columns)
        statistics = Matrix(rows: count, columns: 2)
        normed = Matrix(rows: count, columns: columns)
        normedGradient = Matrix(rows: count, columns: columns)
        gradient = Matrix(rows: count, columns: columns)
        self.rows = rows
    }

    fileprivate mutating func pullBackNorm(_ configuration: ModelConfiguration, weight: borrowing Matrix) {
        Self.pullBackNorm(configuration, weight, normedGradient, rows, statistics, into: &gradient)
    }

    private static func pullBackNorm(
        _ configuration: ModelConfiguration, _ weight: borrowing Matrix, _ dy: borrowing Matrix, _ x: borrowing Matrix,
        _ statistics: borrowing Matrix, into dx: inout Matrix
    ) {
        var output = dx.mutableView
        Normalization.backward(
            configuration.norm, dy: dy.view, x: x.view, weight: weight.view.row(0), statistics: statistics.view, addingTo: &output)
    }
}

extension TokenScores {
    /// From rows of loss, log-sum, is-argmax.
    fileprivate init(_ scores: borrowing Matrix) {
        let elements = scores.elements
        self.init(
            losses: (0..<scores.rows).map { elements[$0 * 3] }, isArgmax: (0..<scores.rows).map { elements[$0 * 3 + 2] == 1 })
    }
}
