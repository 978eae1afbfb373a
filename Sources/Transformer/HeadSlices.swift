internal import Checkpoints
internal import Tensors

/// The head's gradients, some rows of it at a time: those by a slice's logits are formed anew from the kept log-sums.
struct HeadSlices {
    let model: LanguageModel
    let batch: TokenBatch

    /// Shows the head's slices to the tap, with a lookup where the head is the embedding, and those of its bias.
    func visit(
        _ trace: borrowing HeadTrace, from source: any WeightSource, _ tap: any GradientTap, lookup: borrowing Matrix, indices: [Int32]
    ) throws {
        try trace.withInputs { inputs in try visit(trace, inputs, from: source, tap, lookup: lookup, indices: indices) }
    }

    private func visit(
        _ trace: borrowing HeadTrace, _ inputs: MatrixView, from source: any WeightSource, _ tap: any GradientTap,
        lookup: borrowing Matrix, indices: [Int32]
    ) throws {
        let (rows, columns) = (model.configuration.vocabularySize, model.configuration.embeddingSize)
        let count = inputs.rows
        let height = GradientSlices.height(rows: rows, tokens: count)
        let cap = model.configuration.bounds.logitSoftcap
        var weights = Matrix(rows: min(height, rows), columns: columns)
        var biases = Matrix(rows: 1, columns: min(height, rows))
        var buffer = Matrix(rows: count, columns: min(height, rows))
        var capped = Matrix(rows: cap == nil ? 0 : count, columns: min(height, rows))
        var ones = Matrix(rows: count, columns: 1)
        ones.fill(1)
        for start in stride(from: 0, to: rows, by: height) {
            let slice = ParameterSlice(name: model.layout.head, firstRow: start, rows: min(height, rows - start), columns: columns)
            var part = weights.mutableRows(0..<slice.rows)
            try source.read(slice.name, from: slice.offset, into: &part.elements)
            var logits = buffer.mutableView
            var tile = logits.leading(rows: count, columns: slice.rows)
            LinearAlgebra.multiply(inputs, part.view.transposed, into: &tile)
            if let bias = model.layout.headBias {
                var elements = biases.mutableElements
                var shift = elements._mutatingExtracting(0..<slice.rows)
                try source.read(bias, from: start, into: &shift)
                addBias(shift.span, to: &tile)
            }
            var uncapped = capped.mutableView
            var bounded = uncapped.leading(rows: cap == nil ? 0 : count, columns: slice.rows)
            if let cap {
                Softcap.forward(cap, &tile)
                copy(tile.view, into: &bounded)
            }
            CrossEntropy.backward(
                &tile, firstColumn: start, logSums: trace.logSums.span, targets: trace.targets.span, weights: trace.weights.span)
            if let cap { Softcap.backward(cap, capped: bounded.view, &tile) }
            let factors = GradientFactors(
                left: tile.view, right: inputs, exampleRows: batch.exampleScoredRows, lookup: lookup.view,
                indices: indices.map { $0 - Int32(start) }, lookupExampleRows: indices.isEmpty ? [] : batch.exampleRows)
            try tap.visit(slice, factors, examples: 0..<batch.exampleRows.count)
            guard let bias = model.layout.headBias else { continue }
            let biasSlice = ParameterSlice(name: bias, firstRow: start, rows: slice.rows, columns: 1)
            let biasFactors = GradientFactors(left: tile.view, right: ones.view, exampleRows: batch.exampleScoredRows)
            try tap.visit(biasSlice, biasFactors, examples: 0..<batch.exampleRows.count)
        }
    }
}
