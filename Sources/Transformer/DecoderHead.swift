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
    package borrowing func logits(of rows: MatrixView, _ visit: (Range<Int>, inout MutableMatrixView) throws -> Void) rethrows {
        var buffer = tileBuffer(rows.rows)
        for range in tiles(of: rows.rows) {
            var tile = buffer.mutableRows(0..<range.count)
            logits(of: rows.rows(range), into: &tile)
            try visit(range, &tile)
        }
    }

    /// Scores the rows of `hidden` (N x C) with those numbers against their targets.
    package borrowing func score(_ hidden: borrowing Matrix, rows numbers: [Int], targets: [Int32]) -> TokenScores {
        var scores = Matrix(rows: numbers.count, columns: 3)
        var buffer = tileBuffer(numbers.count)
        for range in tiles(of: numbers.count) {
            var tile = buffer.mutableRows(0..<range.count)
            logits(of: hidden.gathered(numbers[range]).view, into: &tile)
            var part = scores.mutableRows(range)
            CrossEntropy.forward(&tile, targets: targets.span.extracting(range), scores: &part)
        }
        return TokenScores(scores)
    }

    /// Room for the logits of a tile of n rows.
    borrowing func tileBuffer(_ count: Int) -> Matrix {
        Matrix(rows: min(Self.rowsPerTile(vocabularySize: weight.rows), count), columns: weight.rows)
    }

    /// n rows, tile by tile.
    borrowing func tiles(of count: Int) -> [Range<Int>] {
        let height = Self.rowsPerTile(vocabularySize: weight.rows)
        return stride(from: 0, to: count, by: height).map { $0..<min(count, $0 + height) }
    }

    /// Logits (k x V) of rows (k x C). Returns what the map to logits took.
    @discardableResult
    borrowing func logits(of x: MatrixView, into tile: inout MutableMatrixView) -> HeadInputs {
        let inputs = inputs(of: x)
        logits(of: inputs, into: &tile)
        return inputs
    }

    private borrowing func logits(of inputs: borrowing HeadInputs, into tile: inout MutableMatrixView) {
        LinearAlgebra.multiply(inputs.view, weight.view.transposed, into: &tile)
        addBias(bias.elements, to: &tile)
        if let cap = configuration.bounds.logitSoftcap { Softcap.forward(cap, &tile) }
    }

    /// What the map to logits takes of rows, k x C.
    private borrowing func inputs(of x: MatrixView) -> HeadInputs {
        var statistics = Matrix(rows: x.rows, columns: 2)
        var normed = Matrix(rows: x.rows, columns: configuration.hiddenSize)
        var output = normed.mutableView
        if hasNorm {
            var moments = statistics.mutableView
            let none = norm.elements.extracting(0..<0)
            Normalization.forward(
                configuration.norm, x, weight: norm.view.row(0), bias: hasBias ? norm.view.row(1) : none,
                epsilon: configuration.normEpsilon, into: &output, statistics: &moments)
        } else {
            copy(x, into: &output)
        }
        var projected = Matrix(rows: isProjected ? x.rows : 0, columns: configuration.embeddingSize)
        if isProjected {
            var projection = projected.mutableView
            LinearAlgebra.multiply(output.view, self.projection.view.transposed, into: &projection)
            scale(&projection, by: configuration.scales.logit)
        } else {
            scale(&output, by: configuration.scales.logit)
        }
        return HeadInputs(statistics: statistics, normed: normed, projected: projected)
    }

    /// From the gradient by a tile of logits (k x V) before the cap to those by what came before, given the rows (k x C) and their
    /// statistics.
    borrowing func gradients(of tile: MatrixView, _ x: MatrixView, _ statistics: MatrixView) -> HeadGradients {
        var inputs = Matrix(rows: tile.rows, columns: configuration.embeddingSize)
        var gradient = inputs.mutableView
        LinearAlgebra.multiply(tile, weight.view, into: &gradient)
        scale(&gradient, by: configuration.scales.logit)
        var normed = Matrix(rows: isProjected ? tile.rows : 0, columns: configuration.hiddenSize)
        var rows = Matrix(rows: tile.rows, columns: configuration.hiddenSize)
        if isProjected {
            var output = normed.mutableView
            LinearAlgebra.multiply(gradient.view, projection.view, into: &output)
            pullBackNorm(output.view, x, statistics, into: &rows)
        } else {
            pullBackNorm(gradient.view, x, statistics, into: &rows)
        }
        return HeadGradients(inputs: inputs, normed: normed, rows: rows)
    }

    private borrowing func pullBackNorm(
        _ dy: MatrixView, _ x: MatrixView, _ statistics: MatrixView, into dx: inout Matrix
    ) {
        var output = dx.mutableView
        guard hasNorm else { return add(dy, scale: 1, to: &output) }
        Normalization.backward(
            configuration.norm, dy: dy, x: x, weight: norm.view.row(0), statistics: statistics, addingTo: &output)
    }
}

/// What the map to logits takes of k rows, and how it came about.
struct HeadInputs: ~Copyable {
    var statistics: Matrix  // k x 2
    var normed: Matrix  // k x C
    var projected: Matrix  // k x E, without rows where there is no projection

    /// k x E.
    var view: MatrixView {
        @_lifetime(borrow self)
        get { projected.rows > 0 ? projected.view : normed.view }
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
