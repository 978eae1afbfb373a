internal import Checkpoints
internal import Tensors

/// What comes before the first layer. N: tokens, E: the embedding's width, C: the layers'.
///
///     h = norm(P s W[token] + Q[position])      P, Q, the scale s and the norm where the family has them
struct TokenEmbedding {
    let model: LanguageModel
    let batch: TokenBatch

    /// The first layer's input, N x C.
    func embed(from source: any WeightSource, into hidden: inout Matrix) throws {
        try embedUnnormed(from: source, into: &hidden)
        guard let norm = model.layout.embeddingNorm else { return }
        let input = hidden.copied()
        var statistics = Matrix(rows: hidden.rows, columns: 2)
        try normalize(norm, input, from: source, statistics: &statistics, into: &hidden)
    }

    /// Before the norm.
    func embedUnnormed(from source: any WeightSource, into hidden: inout Matrix) throws {
        if let projection = model.layout.embeddingProjection {
            var tokens = Matrix(rows: hidden.rows, columns: projection.inputs)
            try readTokens(from: source, into: &tokens)
            let weight = try projection.matrix(from: source)
            var output = hidden.mutableView
            LinearAlgebra.multiply(tokens.view, weight.view.transposed, into: &output)
        } else {
            try readTokens(from: source, into: &hidden)
        }
        guard let name = model.layout.positionEmbedding else { return }
        let (columns, offset) = (hidden.columns, model.configuration.positionOffset)
        var table = Matrix(rows: batch.longestSegment, columns: columns)
        var elements = table.mutableElements
        try source.read(name, from: offset * columns, into: &elements)
        for (row, position) in batch.positions.enumerated() {
            var view = hidden.mutableRows(row..<row + 1)
            add(table.rows(Int(position)..<Int(position) + 1), scale: 1, to: &view)
        }
    }

    /// Every token's row of the embedding, scaled.
    func readTokens(from source: any WeightSource, into rows: inout Matrix) throws {
        let columns = rows.columns
        for (row, token) in batch.tokens.enumerated() {
            var view = rows.mutableRows(row..<row + 1)
            try source.read(model.layout.embedding, from: Int(token) * columns, into: &view.elements)
        }
        var view = rows.mutableView
        scale(&view, by: model.configuration.scales.embedding)
    }

    func normalize(
        _ norm: NormLayout, _ x: borrowing Matrix, from source: any WeightSource, statistics: inout Matrix, into y: inout Matrix
    ) throws {
        let weights = try norm.parameters(from: source)
        var output = y.mutableView
        var moments = statistics.mutableView
        let bias = norm.bias == nil ? weights.elements.extracting(0..<0) : weights.view.row(1)
        Normalization.forward(
            model.configuration.norm, x.view, weight: weights.view.row(0), bias: bias, epsilon: model.configuration.normEpsilon,
            into: &output, statistics: &moments)
    }
}

extension LinearLayout {
    /// The weight as it is stored.
    func matrix(from source: any WeightSource) throws -> Matrix {
        var weight = Matrix(rows: storedRows, columns: storedColumns)
        var elements = weight.mutableElements
        try source.read(self.weight, from: 0, into: &elements)
        return weight
    }
}

extension NormLayout {
    /// Weight and bias, 2 x width.
    func parameters(from source: any WeightSource) throws -> Matrix {
        var parameters = Matrix(rows: 2, columns: width)
        var weights = parameters.mutableRows(0..<1)
        try readWeight(from: source, into: &weights.elements)
        guard let bias else { return parameters }
        var shifts = parameters.mutableRows(1..<2)
        try source.read(bias, from: 0, into: &shifts.elements)
        return parameters
    }
}

extension Matrix {
    borrowing func copied() -> Matrix {
        var result = Matrix(rows: rows, columns: columns)
        copy(view, into: &result)
        return result
    }
}
