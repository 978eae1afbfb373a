import Checkpoints
import Tensors
import TestSupport
import Testing
import Transformer

/// The final normalisation and the map to logits against the naive twins, for more rows than one tile of logits holds.
/// Tolerance 2e-6, norm of the difference over norm: the normalisation's, and sums of 24 products.
@Suite struct DecoderHeadTests {
    private let rows = 1100

    /// Random outputs of a last layer, and the logits that the twins make of them.
    private func logits(_ model: LanguageModel) throws -> (rows: [Float], logits: [Double]) {
        var random = SeededGenerator(seed: 1)
        let x = [Float].random(rows * model.configuration.hiddenSize, scale: 3, &random)
        let checkpoint = model.checkpoint
        let normed = NaiveTwins.normalized(
            model.configuration.norm, x.doubles, weight: try checkpoint.floats(#require(model.layout.finalNorm?.weight)).doubles,
            bias: try model.layout.finalNorm?.bias.map { try checkpoint.floats($0).doubles } ?? [],
            epsilon: Double(model.configuration.normEpsilon))
        let (width, head) = (model.configuration.hiddenSize, try checkpoint.floats(model.layout.head).doubles)
        let logits = (0..<rows).flatMap { row in
            stride(from: 0, to: head.count, by: width).map { inner(normed[row * width..<(row + 1) * width], head[$0..<$0 + width]) }
        }
        return (x, logits)
    }

    @Test(arguments: ["llama-sharded", "gpt2-tied"])
    func logitsAreTheNaiveOnes(name: String) throws {
        let model = try Fixture.model(name)
        let (x, expected) = try logits(model)
        var found: [Float] = []
        var ranges: [Range<Int>] = []
        try DecoderHead(model, from: model.checkpoint).logits(of: Matrix(x, columns: model.configuration.hiddenSize).view) { range, tile in
            ranges.append(range)
            found += [Float](tile.view)
        }
        #expect(ranges == [0..<1024, 1024..<1100])
        #expect(relativeError(found, expected.floats) < 2e-6)
    }

    @Test(arguments: ["llama-sharded", "gpt2-tied"])
    func scoresAreTheNaiveOnes(name: String) throws {
        let model = try Fixture.model(name)
        let (x, logits) = try logits(model)
        let vocabulary = model.configuration.vocabularySize
        // The likeliest token in every other row.
        let targets = (0..<rows).map { row in
            let choice = logits[row * vocabulary..<(row + 1) * vocabulary].enumerated().max { $0.element < $1.element }?.offset ?? 0
            return Int32((choice + row % 2) % vocabulary)
        }
        let head = try DecoderHead(model, from: model.checkpoint)
        let scores = head.score(Matrix(x, columns: model.configuration.hiddenSize), rows: Array(0..<rows), targets: targets)
        #expect(relativeError(scores.losses, NaiveTwins.crossEntropy(logits, targets: targets).floats) < 2e-6)
        #expect(scores.isArgmax == (0..<rows).map { $0 % 2 == 0 })
    }

    /// A slice of the vocabulary gives its part of the logits, biases too. Tolerance: products are added in another order.
    @Test(arguments: ["llama-sharded", "phi-2", "opt-post-norm", "gemma2-softcaps"])
    func aSliceOfTheVocabularyIsItsPartOfTheLogits(name: String) throws {
        let model = try Fixture.model(name)
        var random = SeededGenerator(seed: 2)
        let width = model.configuration.hiddenSize
        let x = [Float].random(5 * width, scale: 3, &random)
        var (whole, parts): ([[Float]], [[Float]]) = (Array(repeating: [], count: 5), Array(repeating: [], count: 5))
        try DecoderHead(model, from: model.checkpoint).logits(of: Matrix(x, columns: width).view) { range, tile in
            for row in range { whole[row] += (0..<tile.columns).map { tile.view.row(row)[$0] } }
        }
        for slice in [0..<20, 20..<21, 21..<model.configuration.vocabularySize] {
            try DecoderHead(model, from: model.checkpoint, vocabulary: slice).logits(of: Matrix(x, columns: width).view) { range, tile in
                for row in range { parts[row] += (0..<tile.columns).map { tile.view.row(row)[$0] } }
            }
        }
        #expect(relativeError(parts.flatMap { $0 }, whole.flatMap { $0 }) < 1e-6)
    }

    @Test func aTileOfLogitsIsBounded() {
        #expect(DecoderHead.rowsPerTile(vocabularySize: 61) == 1024)
        #expect(DecoderHead.rowsPerTile(vocabularySize: 50_257) * 50_257 <= 1 << 24)
        #expect(DecoderHead.rowsPerTile(vocabularySize: 1 << 22) == 16)
    }
}
