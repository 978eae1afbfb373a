package import Checkpoints
package import Tensors

/// What comes after the last layer: the final normalisation and the map to logits. n: scored rows, C: the layers' width,
/// E: the head's (C but for a few models), V: vocabulary.
///
///     logits = cap(s W P norm(x) + b)      P, b, the scale s and the cap where the family has them
package struct DecoderHead: ~Copyable {
    let configuration: ModelConfiguration
    private let hasNorm: Bool
    private let hasBias: Bool
    let isProjected: Bool
    private let norm: Matrix  // 2 x C: weight, bias
    private let projection: Matrix  // E x C
    private let weight: Matrix  // V x E
    private let bias: Matrix  // 1 x V

    /// - Parameter vocabulary: the tokens whose logits are computed; nil: all of them.
    package init(_ model: LanguageModel, from source: any WeightSource, vocabulary: Range<Int>? = nil) throws {
        let (c, layout) = (model.configuration, model.layout)
        let tokens = vocabulary ?? 0..<c.vocabularySize
        let norm = try Self.norm(model, from: source)
        let projection = try Self.map(layout.headProjection?.weight, of: c.embeddingSize, by: c.hiddenSize, from: source)
        let weight = try Self.map(layout.head, of: tokens.count, by: c.embeddingSize, after: tokens.lowerBound, from: source)
        let bias = try Self.map(layout.headBias, of: tokens.count, by: 1, after: tokens.lowerBound, from: source)
        configuration = c
        hasNorm = layout.finalNorm != nil
        hasBias = layout.finalNorm?.bias != nil
        isProjected = layout.headProjection != nil
        self.norm = norm
        self.projection = projection
        self.weight = weight
        self.bias = bias
    }

    private static func norm(_ model: LanguageModel, from source: any WeightSource) throws -> Matrix {
        var norm = Matrix(rows: 2, columns: model.configuration.hiddenSize)
        guard let layout = model.layout.finalNorm else { return norm }
        var scale = norm.mutableRows(0..<1)
        try layout.readWeight(from: source, into: &scale.elements)
        guard let bias = layout.bias else { return norm }
        var shift = norm.mutableRows(1..<2)
        try source.read(bias, from: 0, into: &shift.elements)
        return norm
    }

    /// Some rows of a map, those after the first `skipped`; none of one that there is not.
    private static func map(
        _ name: String?, of rows: Int, by columns: Int, after skipped: Int = 0, from source: any WeightSource
    ) throws -> Matrix {
        guard let name else { return Matrix(rows: 0, columns: columns) }
        var map = Matrix(rows: rows, columns: columns)
        var elements = map.mutableElements
        try source.read(name, from: skipped * columns, into: &elements)
        return map
    }

    /// Rows whose logits are held at once: by the vocabulary's size alone, some 64 MiB.
    package static func rowsPerTile(vocabularySize: Int) -> Int { min(1024, max(16, (1 << 24) / vocabularySize)) }

    /// Calls `visit` with the logits (k x V) of `rows` (n x C), tile by tile; `visit` may overwrite them.
    package borrowing func logits(
        of rows: borrowing Matrix, _ visit: (Range<Int>, inout MutableMatrixView) throws -> Void
    ) rethrows {
        var normed = Matrix(rows: rows.rows, columns: rows.columns)
        var inputs = Matrix(rows: isProjected ? rows.rows : 0, columns: configuration.embeddingSize)
        var statistics = Matrix(rows: rows.rows, columns: 2)
        prepare(rows, statistics: &statistics, normed: &normed, projected: &inputs)
        if isProjected { try forEachTile(inputs, visit) } else { try forEachTile(normed, visit) }
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

    /// Logits (k x V) of the map's inputs (n x E), tile by tile.
    borrowing func forEachTile(_ inputs: borrowing Matrix, _ visit: (Range<Int>, inout MutableMatrixView) throws -> Void) rethrows {
        let height = Self.rowsPerTile(vocabularySize: weight.rows)
        var buffer = Matrix(rows: min(height, inputs.rows), columns: weight.rows)
        for start in stride(from: 0, to: inputs.rows, by: height) {
            let range = start..<min(inputs.rows, start + height)
            var tile = buffer.mutableRows(0..<range.count)
            LinearAlgebra.multiply(inputs.rows(range), weight.view.transposed, into: &tile)
            addBias(bias.elements, to: &tile)
            if let cap = configuration.bounds.logitSoftcap { Softcap.forward(cap, &tile) }
            try visit(range, &tile)
        }
    }

    /// What the map to logits takes, n x E: in `projected` where there is a projection, else in `normed`.
    borrowing func prepare(
        _ x: borrowing Matrix, statistics: inout Matrix, normed: inout Matrix, projected: inout Matrix
    ) {
        if hasNorm {
            var output = normed.mutableView
            var moments = statistics.mutableView
            let none = norm.elements.extracting(0..<0)
            Normalization.forward(
                configuration.norm, x.view, weight: norm.view.row(0), bias: hasBias ? norm.view.row(1) : none,
                epsilon: configuration.normEpsilon, into: &output, statistics: &moments)
        } else {
            copy(x, 0..<x.rows, into: &normed, 0..<x.rows)
        }
        if isProjected {
            var output = projected.mutableView
            LinearAlgebra.multiply(normed.view, projection.view.transposed, into: &output)
            scale(&output, by: configuration.scales.logit)
        } else {
            var output = normed.mutableView
            scale(&output, by: configuration.scales.logit)
        }
    }

    /// The gradient by the map's inputs (k x E), given that by a tile of logits before the cap.
    borrowing func pullBack(_ tile: MatrixView, into gradient: inout MutableMatrixView) {
        LinearAlgebra.multiply(tile, weight.view, into: &gradient)
    }

    /// From the gradient by the map's inputs to those by the normalised rows (n x C) and by the rows.
    borrowing func pullBackInputs(
        _ inputGradient: inout Matrix, _ x: borrowing Matrix, _ statistics: borrowing Matrix, normed: inout Matrix, into dx: inout Matrix
    ) {
        var gradient = inputGradient.mutableView
        scale(&gradient, by: configuration.scales.logit)
        if isProjected {
            var output = normed.mutableView
            LinearAlgebra.multiply(gradient.view, projection.view, into: &output)
            pullBackNorm(normed.view, x, statistics, into: &dx)
        } else {
            pullBackNorm(gradient.view, x, statistics, into: &dx)
        }
    }

    private borrowing func pullBackNorm(
        _ dy: MatrixView, _ x: borrowing Matrix, _ statistics: borrowing Matrix, into dx: inout Matrix
    ) {
        var output = dx.mutableView
        guard hasNorm else { return add(dy, scale: 1, to: &output) }
        Normalization.backward(
            configuration.norm, dy: dy, x: x.view, weight: norm.view.row(0), statistics: statistics.view, addingTo: &output)
    }
}

extension TokenScores {
    /// From rows of loss, log-sum, is-argmax.
    init(_ scores: borrowing Matrix) {
        let elements = scores.elements
        self.init(
            losses: (0..<scores.rows).map { elements[$0 * 3] }, isArgmax: (0..<scores.rows).map { elements[$0 * 3 + 2] == 1 })
    }
}
