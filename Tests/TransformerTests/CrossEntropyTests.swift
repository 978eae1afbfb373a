import Tensors
import TestSupport
import Testing
import Transformer

/// Next-token losses and their gradients against the naive twin. Tolerances are relative to logits of some units: Float
/// rounds those, the sum and its logarithm by 6e-8 each, and the exponential by 2 units in the last place of 1.2e-7.
@Suite struct CrossEntropyTests {
    static let tolerance = 1e-6
    static let vocabularies = [1, 2, 7, 8, 61, 131]

    private let rows = 9

    private struct Input {
        let logits: [Float]
        let targets: [Int32]
        let weights: [Float]
        var doubles: [Double] { logits.doubles }
    }

    private struct Output {
        let exponentials, losses, logSums, isArgmax: [Float]
    }

    private func input(vocabulary: Int) -> Input {
        var random = SeededGenerator(seed: UInt64(vocabulary))
        return Input(
            logits: .random(rows * vocabulary, scale: 5, &random),
            targets: (0..<rows).map { _ in Int32.random(in: 0..<Int32(vocabulary), using: &random) }, weights: .random(rows, &random))
    }

    private func forward(_ logits: [Float], _ targets: [Int32]) -> Output {
        var matrix = Matrix(logits, columns: logits.count / targets.count)
        var scores = Matrix(rows: targets.count, columns: 3)
        var tile = matrix.mutableView
        var output = scores.mutableView
        CrossEntropy.forward(&tile, targets: targets.span, scores: &output)
        let values = [Float](scores.view)
        let column = { (index: Int) in stride(from: index, to: values.count, by: 3).map { values[$0] } }
        return Output(exponentials: [Float](matrix.view), losses: column(0), logSums: column(1), isArgmax: column(2))
    }

    /// Of the weighted losses, by the logits.
    private func slope(_ input: Input) -> [Float] {
        numericalGradient(at: input.doubles) { inner(input.weights.doubles, NaiveTwins.crossEntropy($0, targets: input.targets)) }.floats
    }

    @Test(arguments: vocabularies)
    func forwardIsTheNaiveOne(vocabulary: Int) {
        let input = input(vocabulary: vocabulary)
        let found = forward(input.logits, input.targets)
        let losses = NaiveTwins.crossEntropy(input.doubles, targets: input.targets)
        let wanted = input.targets.enumerated().map { input.logits[$0 * vocabulary + Int($1)] }
        #expect(relativeError(found.losses, losses.floats) < Self.tolerance)
        #expect(relativeError(found.logSums, zip(losses, wanted).map { Float($0 + Double($1)) }) < Self.tolerance)
    }

    /// The exponentials that `forward` leaves are the softmax up to a factor: e^(log-sum - largest).
    @Test(arguments: vocabularies)
    func forwardLeavesTheUnscaledSoftmax(vocabulary: Int) {
        let input = input(vocabulary: vocabulary)
        let found = forward(input.logits, input.targets).exponentials
        for row in 0..<rows {
            let range = row * vocabulary..<(row + 1) * vocabulary
            let sum = found[range].reduce(0.0) { $0 + Double($1) }
            #expect(
                relativeError(found[range].map { Float(Double($0) / sum) }, NaiveTwins.softmax(Array(input.doubles[range])).floats)
                    < Self.tolerance)
            #expect(found[range].max() == 1)
        }
    }

    @Test(arguments: vocabularies)
    func backwardIsTheSlope(vocabulary: Int) {
        let input = input(vocabulary: vocabulary)
        var gradient = Matrix(forward(input.logits, input.targets).exponentials, columns: vocabulary)
        var tile = gradient.mutableView
        CrossEntropy.backward(&tile, targets: input.targets.span, weights: input.weights.span)
        #expect(relativeError([Float](gradient.view), slope(input)) < Self.tolerance)
    }

    /// Slices of columns, whose targets are mostly elsewhere, put together.
    @Test(arguments: vocabularies)
    func backwardBySlicesIsTheSlope(vocabulary: Int) {
        let input = input(vocabulary: vocabulary)
        let logSums = forward(input.logits, input.targets).logSums
        var found = [Float](repeating: .nan, count: input.logits.count)
        let height = max(1, vocabulary / 3)
        for first in stride(from: 0, to: vocabulary, by: height) {
            let columns = first..<min(vocabulary, first + height)
            let indices = (0..<rows).flatMap { row in columns.map { row * vocabulary + $0 } }
            var slice = Matrix(indices.map { input.logits[$0] }, columns: columns.count)
            var tile = slice.mutableView
            CrossEntropy.backward(
                &tile, firstColumn: first, logSums: logSums.span, targets: input.targets.span, weights: input.weights.span)
            for (index, value) in zip(indices, [Float](slice.view)) { found[index] = value }
        }
        #expect(relativeError(found, slope(input)) < Self.tolerance)
    }

    /// Of several largest logits the first is the model's choice.
    @Test func theFirstOfEqualLogitsIsTheChoice() {
        let row: [Float] = [0, 3, 1, 3, 3, -1, 0, 2, 1, 3]
        let found = forward(Array(repeating: row, count: 10).flatMap(\.self), Array(0..<10))
        #expect(found.isArgmax == [0, 1, 0, 0, 0, 0, 0, 0, 0, 0])
        let flat = forward(Array(repeating: 0, count: 30), [0, 1, 2])
        #expect(flat.isArgmax == [1, 0, 0])
    }

    @Test(arguments: [Float(1e3), 1e10, 1e30])
    func extremeLogitsOverflowNothing(size: Float) {
        // The sure target, the impossible one, a masked one beside them, and two equal ones far from 0.
        let found = forward([size, -size, -.infinity, -size, size, -.infinity, size, size, -size], [0, 0, 1])
        #expect(relativeError(found.losses, [0, 2 * size, 0.6931472]) < Self.tolerance)
        #expect(abs(found.losses[2] - 0.6931472) <= size.ulp)
        #expect(found.losses[0] == 0)
        #expect(found.logSums[0] == size)
        var gradient = Matrix(found.exponentials, columns: 3)
        var tile = gradient.mutableView
        let (targets, weights): ([Int32], [Float]) = ([0, 0, 1], [1, 1, 1])
        CrossEntropy.backward(&tile, targets: targets.span, weights: weights.span)
        #expect(relativeError([Float](gradient.view), [0, 0, 0, -1, 1, 0, 0.5, -0.5, 0]) < Self.tolerance)
    }
}
