import Tensors
import TestSupport
import Testing
import Transformer

/// Causal attention against its naive twin. Tolerance 3e-6 forward and 5e-6 backward, norm of the difference over norm:
/// scores of a few units are off by some roundings of 6e-8, which the exponential passes on as relative errors.
@Suite struct AttentionTests {
    struct HeadSharing: Sendable, CustomTestStringConvertible {
        let name: String
        let shape: Attention
        var testDescription: String { name }

        init(
            _ name: String, heads: Int, keyValueHeads: Int, headSize: Int, window: Int? = nil, softcap: Float? = nil, isBiased: Bool = false
        ) {
            self.name = name
            shape = Attention(
                heads: heads, keyValueHeads: keyValueHeads, headSize: headSize, scale: 1 / Float(headSize).squareRoot(), window: window,
                softcap: softcap, bias: isBiased ? LinearBias(heads: heads) : nil)
        }
    }

    static let cases = [
        HeadSharing("one key-value head each", heads: 3, keyValueHeads: 3, headSize: 4),
        HeadSharing("grouped", heads: 4, keyValueHeads: 2, headSize: 6),
        HeadSharing("one key-value head for all", heads: 3, keyValueHeads: 1, headSize: 5),
        HeadSharing("a single head", heads: 1, keyValueHeads: 1, headSize: 7),
        HeadSharing("a window of one", heads: 2, keyValueHeads: 1, headSize: 4, window: 1),
        HeadSharing("a window", heads: 4, keyValueHeads: 2, headSize: 4, window: 3),
        HeadSharing("a window of more than a block", heads: 1, keyValueHeads: 1, headSize: 4, window: 140),
        HeadSharing("a softcap", heads: 2, keyValueHeads: 2, headSize: 5, softcap: 1.5),
        HeadSharing("linear biases", heads: 3, keyValueHeads: 3, headSize: 4, isBiased: true),
        HeadSharing("all of it", heads: 4, keyValueHeads: 2, headSize: 4, window: 130, softcap: 2, isBiased: true),
    ]
    static let short = [[1], [6], [1, 5, 1, 1, 3]]
    /// Around the borders of blocks of 128 queries, alone and among others.
    static let long = [[127], [128], [129], [256], [257], [3, 300, 1, 130]]

    private struct Input {
        let buffer: [Float]
        let segments: [Range<Int>]
        let dMixed: [Float]
        var rows: Int { segments.last?.upperBound ?? 0 }
    }

    private func input(_ shape: Attention, _ lengths: [Int], seed: UInt64 = 1) -> Input {
        var random = SeededGenerator(seed: seed)
        let rows = lengths.reduce(0, +)
        let ends = lengths.indices.map { lengths[...$0].reduce(0, +) }
        return Input(
            buffer: .random(rows * shape.columns, scale: 2, &random), segments: zip(ends, lengths).map { $0 - $1..<$0 },
            dMixed: .random(rows * shape.heads * shape.headSize, &random))
    }

    private func forward(_ shape: Attention, _ input: Input) -> [Float] {
        var mixed = Matrix(rows: input.rows, columns: shape.heads * shape.headSize)
        mixed.fill(.nan)
        var output = mixed.mutableView
        shape.forward(MatrixView(input.buffer.span, rows: input.rows, columns: shape.columns), segments: input.segments, into: &output)
        return [Float](mixed.view)
    }

    private func backward(_ shape: Attention, _ input: Input) -> [Float] {
        var gradient = Matrix(rows: input.rows, columns: shape.columns)
        // What stands there before must not count.
        gradient.fill(.nan)
        var output = gradient.mutableView
        shape.backward(
            MatrixView(input.buffer.span, rows: input.rows, columns: shape.columns),
            dMixed: MatrixView(input.dMixed.span, rows: input.rows, columns: shape.heads * shape.headSize), segments: input.segments,
            into: &output)
        return [Float](gradient.view)
    }

    private func loss(_ shape: Attention, _ input: Input) -> ([Double]) -> Double {
        { inner(input.dMixed.doubles, NaiveTwins.attended($0, shape, segments: input.segments)) }
    }

    @Test(arguments: cases, short + long)
    func forwardIsTheNaiveOne(sharing: HeadSharing, lengths: [Int]) {
        let input = input(sharing.shape, lengths)
        let expected = NaiveTwins.attended(input.buffer.doubles, sharing.shape, segments: input.segments)
        #expect(relativeError(forward(sharing.shape, input), expected.floats) < 3e-6)
    }

    @Test(arguments: cases, short)
    func backwardIsTheSlope(sharing: HeadSharing, lengths: [Int]) {
        let input = input(sharing.shape, lengths)
        let expected = numericalGradient(at: input.buffer.doubles, of: loss(sharing.shape, input))
        #expect(relativeError(backward(sharing.shape, input), expected.floats) < 5e-6)
    }

    /// Along random directions: a gradient that is off by a share e of its norm misses the slope by about as much of the
    /// norm, and one wrong element among ten thousand by a hundredth of it. Three directions, lest one be blind by chance.
    @Test(arguments: cases, long)
    func backwardIsTheSlopeInLongSegments(sharing: HeadSharing, lengths: [Int]) {
        let input = input(sharing.shape, lengths)
        let gradient = backward(sharing.shape, input).doubles
        let norm = inner(gradient, gradient).squareRoot()
        for seed in UInt64(10)..<13 {
            var random = SeededGenerator(seed: seed)
            let direction = [Float].random(gradient.count, &random).doubles
            let expected = numericalSlope(at: input.buffer.doubles, along: direction, of: loss(sharing.shape, input))
            #expect(abs(inner(gradient, direction) - expected) < 5e-6 * norm)
        }
    }

    /// To the bit: earlier rows, and other segments, do not see a later token.
    @Test(arguments: cases, [[9], [4, 200, 7]])
    func aLaterTokenChangesNoEarlierRow(sharing: HeadSharing, lengths: [Int]) throws {
        let shape = sharing.shape
        let input = input(shape, lengths)
        let segment = input.segments[lengths.count / 2]
        let changed = segment.upperBound - 3
        var buffer = input.buffer
        for column in 0..<shape.columns { buffer[changed * shape.columns + column] += 1 }
        let width = shape.heads * shape.headSize
        let before = forward(shape, input)
        let after = forward(shape, Input(buffer: buffer, segments: input.segments, dMixed: input.dMixed))
        let differing = (0..<input.rows).filter { before[$0 * width..<($0 + 1) * width] != after[$0 * width..<($0 + 1) * width] }
        #expect(differing == Array(changed..<min(segment.upperBound, changed + (shape.window ?? 3))))
    }

    /// The softmax takes out the largest score first: scores of 10,000 do not overflow, and pick one value.
    @Test func extremeScoresPickOneValue() {
        let shape = Attention(heads: 1, keyValueHeads: 1, headSize: 2, scale: 1)
        // Query, key, value; the second query is along the first key and against its own.
        let buffer: [Float] = [100, 0, 100, 0, 1, 2, 100, 0, -100, 0, 3, 4]
        let input = Input(buffer: buffer, segments: [0..<2], dMixed: [1, 1, 1, 1])
        #expect(forward(shape, input) == [1, 2, 1, 2])
        #expect(backward(shape, input).allSatisfy { $0.isFinite })
    }
}
