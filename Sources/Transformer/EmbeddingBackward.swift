internal import Checkpoints
internal import Tensors

extension TokenEmbedding {
    /// Shows every parameter to the tap but the embedding itself, given the gradient by the first layer's input, N x C, which
    /// becomes that by the embedding's rows, N x E.
    func backward(_ gradient: inout Matrix, from source: any WeightSource, _ tap: any GradientTap) throws {
        if let norm = model.layout.embeddingNorm { gradient = try normBackward(norm, gradient, from: source, tap) }
        if let name = model.layout.positionEmbedding {
            let offset = model.configuration.positionOffset
            let rows = model.configuration.contextLength + offset
            repeat {
                try visitLookup(name, rows: rows, gradient, indices: batch.positions.map { $0 + Int32(offset) }, tap)
            } while try tap.finish(ParameterGroup(name: "position embedding"))
        }
        if let projection = model.layout.embeddingProjection {
            gradient = try projectionBackward(projection, gradient, from: source, tap)
        }
        var view = gradient.mutableView
        scale(&view, by: model.configuration.scales.embedding)
    }

    /// Shows an embedding's rows to the tap: `gradient` (N x columns) holds that of the row that each index names.
    func visitLookup(_ name: String, rows: Int, _ gradient: borrowing Matrix, indices: [Int32], _ tap: any GradientTap) throws {
        let examples = 0..<batch.exampleRows.count
        let height = GradientSlices.height(rows: rows, tokens: examples.count)
        let none = Matrix(rows: 0, columns: gradient.columns)
        for start in stride(from: 0, to: rows, by: height) {
            let slice = ParameterSlice(name: name, firstRow: start, rows: min(height, rows - start), columns: gradient.columns)
            let empty = Matrix(rows: 0, columns: slice.rows)
            let factors = GradientFactors(
                left: empty.view, right: none.view, exampleRows: examples.map { _ in 0..<0 }, lookup: gradient.view,
                indices: indices.map { $0 - Int32(start) }, lookupExampleRows: batch.exampleRows)
            try tap.visit(slice, factors, examples: examples)
        }
    }

    private func normBackward(
        _ norm: NormLayout, _ gradient: borrowing Matrix, from source: any WeightSource, _ tap: any GradientTap
    ) throws -> Matrix {
        var input = Matrix(rows: gradient.rows, columns: gradient.columns)
        try embedUnnormed(from: source, into: &input)
        var statistics = Matrix(rows: input.rows, columns: 2)
        var result = Matrix(rows: input.rows, columns: input.columns)
        try normalize(norm, input, from: source, statistics: &statistics, into: &result)
        var gradients = NormGradients(widths: 2 * norm.width, examples: batch.exampleRows.count)
        gradients.place([norm])
        gradients.add(0, gradient.view, input.view, statistics.view, batch.exampleRows.enumerated().map { ($0.offset, $0.element) })
        repeat {
            try gradients.visit([norm], tap, 0..<batch.exampleRows.count)
        } while try tap.finish(ParameterGroup(name: "embedding norm"))
        result.fill(0)
        var output = result.mutableView
        let weights = try norm.parameters(from: source)
        Normalization.backward(
            model.configuration.norm, dy: gradient.view, x: input.view, weight: weights.view.row(0), statistics: statistics.view,
            addingTo: &output)
        return result
    }

    private func projectionBackward(
        _ projection: LinearLayout, _ gradient: borrowing Matrix, from source: any WeightSource, _ tap: any GradientTap
    ) throws -> Matrix {
        var tokens = Matrix(rows: gradient.rows, columns: projection.inputs)
        try readTokens(from: source, into: &tokens)
        let none = Matrix(rows: gradient.rows, columns: 1)
        repeat {
            try projection.visit(tap, tokens.view, gradient.view, ones: none.view, batch.exampleRows, 0..<batch.exampleRows.count)
        } while try tap.finish(ParameterGroup(name: "embedding projection"))
        let weight = try projection.matrix(from: source)
        var output = tokens.mutableView
        LinearAlgebra.multiply(gradient.view, weight.view, into: &output)
        return tokens
    }
}
