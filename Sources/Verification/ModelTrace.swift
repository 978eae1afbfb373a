package import Checkpoints
package import SystemPackage
internal import Tensors
internal import Transformer

/// What a model computes for one sequence, written out: logits (T x V), per-token next-token loss (T - 1), and, where asked,
/// d(mean loss)/d(parameter) under each tensor's own name.
package struct ModelTrace: Sendable {
    private let model: LanguageModel
    private let tokens: [Int32]

    /// Throws where a token is not in the vocabulary, or the sequence is empty or longer than the context.
    package init(_ model: LanguageModel, tokens: [Int32]) throws(VerificationError) {
        let configuration = model.configuration
        for token in tokens where token < 0 || Int(token) >= configuration.vocabularySize {
            throw .tokenOutOfRange("--tokens", record: 0, token: Int(token), vocabulary: configuration.vocabularySize)
        }
        guard tokens.count > 1 else { throw .tooShort("--tokens") }
        guard tokens.count <= configuration.contextLength else {
            throw .tooLong("--tokens", tokens: tokens.count, context: configuration.contextLength)
        }
        self.model = model
        self.tokens = tokens
    }

    /// Writes the trace and returns the mean loss. The file appears whole or not at all.
    package func write(to path: FilePath, gradients: Bool, replacing: Bool) throws -> Double {
        let vocabulary = model.configuration.vocabularySize
        var tensors = [(name: "logits", shape: [tokens.count, vocabulary]), (name: "loss", shape: [tokens.count - 1])]
        if gradients {
            for name in model.layout.parameters { tensors.append((name, model.checkpoint.tensor(named: name)?.shape ?? [])) }
        }
        let file = try TensorFile(path, tensors: tensors, replacing: replacing)
        // The last row predicts a token that is not known: it is scored against a stand-in, and its score dropped.
        let everyRow = TokenBatch([Example(windows: [Window(inputs: tokens, targets: tokens.dropFirst() + [0])])])
        let rows = try LayerSweep.scoredRows(model, everyRow, from: model.checkpoint)
        let head = try DecoderHead(model, from: model.checkpoint)
        try head.logits(of: rows.view) { range, tile in try file.write("logits", from: range.lowerBound * vocabulary, tile.elements.span) }
        let losses = Array(head.score(rows, rows: Array(0..<rows.rows), targets: everyRow.targets).losses.dropLast())
        try file.write("loss", from: 0, losses.span)
        if gradients {
            let batch = TokenBatch([Example(windows: [Window(inputs: Array(tokens.dropLast()), targets: Array(tokens.dropFirst()))])])
            var sweep = try LayerSweep(model, batch, plan: .unbounded)
            _ = try sweep.scoreKeeping(from: model.checkpoint)
            try sweep.backward(from: model.checkpoint, tap: GradientWriter(file))
        }
        try file.commit()
        return losses.reduce(0.0) { $0 + Double($1) } / Double(losses.count)
    }
}

/// Writes the one example's gradients to a file as they come.
private final class GradientWriter: GradientTap {
    let needsEveryExample = true
    private let file: TensorFile

    init(_ file: TensorFile) { self.file = file }

    func visit(_ slice: ParameterSlice, _ factors: borrowing GradientFactors, examples: Range<Int>) throws {
        var gradient = Matrix(rows: slice.rows, columns: slice.columns)
        var view = gradient.mutableView
        factors.weightedGradient([1], ofRows: 0..<slice.rows, into: &view)
        try file.write(slice.name, from: slice.offset, gradient.elements)
    }

    func finish(_ group: ParameterGroup) throws -> Bool { false }
}
