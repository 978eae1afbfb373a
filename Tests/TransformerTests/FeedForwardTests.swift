import Checkpoints
import Tensors
import TestSupport
import Testing
import Transformer

/// All activations against their naive twins. Tolerance 1e-6, norm of the difference over norm: the exponential is within
/// 2 units in the last place of 1.2e-7, the arithmetic around it rounds a few times.
@Suite struct FeedForwardTests {
    static let tolerance = 1e-6
    static let kinds = ModelConfiguration.Activation.Function.allCases.flatMap { function in
        [true, false].map { ModelConfiguration.Activation(function, isGated: $0) }
    }
    static let widths = [1, 7, 16, 33]

    /// More than two blocks of 16 rows.
    private let rows = 37

    private func expanded(_ kind: ModelConfiguration.Activation, width: Int) -> [Float] {
        var random = SeededGenerator(seed: UInt64(width))
        return .random(rows * FeedForward.expandedColumns(kind, width: width), scale: 6, &random)
    }

    private func forward(_ kind: ModelConfiguration.Activation, _ expanded: [Float], rows: Int) -> [Float] {
        let columns = expanded.count / rows
        var activated = Matrix(rows: rows, columns: kind.isGated ? columns / 2 : columns)
        activated.fill(.nan)
        var output = activated.mutableView
        FeedForward.forward(kind, MatrixView(expanded.span, rows: rows, columns: columns), into: &output)
        return [Float](activated.view)
    }

    private func backward(_ kind: ModelConfiguration.Activation, _ dActivated: [Float], _ expanded: [Float], rows: Int) -> [Float] {
        let columns = expanded.count / rows
        var gradient = Matrix(rows: rows, columns: columns)
        gradient.fill(.nan)
        var output = gradient.mutableView
        FeedForward.backward(
            kind, dActivated: MatrixView(dActivated.span, rows: rows, columns: dActivated.count / rows),
            expanded: MatrixView(expanded.span, rows: rows, columns: columns), into: &output)
        return [Float](gradient.view)
    }

    @Test func aGateDoublesTheExpansion() {
        #expect(FeedForward.expandedColumns(.siluGated, width: 7) == 14)
        #expect(FeedForward.expandedColumns(.geluTanh, width: 7) == 7)
    }

    @Test(arguments: kinds, widths)
    func forwardIsTheNaiveOne(kind: ModelConfiguration.Activation, width: Int) {
        let expanded = expanded(kind, width: width)
        let expected = NaiveTwins.activated(kind, expanded.doubles, width: width)
        #expect(relativeError(forward(kind, expanded, rows: rows), expected.floats) < Self.tolerance)
    }

    @Test(arguments: kinds, widths)
    func backwardIsTheSlope(kind: ModelConfiguration.Activation, width: Int) {
        let expanded = expanded(kind, width: width)
        var random = SeededGenerator(seed: 2)
        let dActivated = [Float].random(rows * width, &random)
        let expected = numericalGradient(at: expanded.doubles) { inner(dActivated.doubles, NaiveTwins.activated(kind, $0, width: width)) }
        #expect(relativeError(backward(kind, dActivated, expanded, rows: rows), expected.floats) < Self.tolerance)
    }

    /// Far from 0 both are 0 on one side and the identity on the other, with slopes 0 and 1; nothing overflows.
    @Test(arguments: [Float(20), 100, 1e4])
    func farFromZeroBothAreLines(x: Float) {
        #expect(forward(.geluTanh, [x, -x], rows: 2) == [x, 0])
        #expect(backward(.geluTanh, [3, 3], [x, -x], rows: 2) == [3, 0])
        // The gate's columns come first: gate, then up.
        let activated = forward(.siluGated, [x, 2, -x, 2], rows: 2)
        let gradient = backward(.siluGated, [3, 3], [x, 2, -x, 2], rows: 2)
        #expect(relativeError(activated, [2 * x, 0]) < Self.tolerance)
        #expect(relativeError(gradient, [6, 3 * x, 0, 0]) < Self.tolerance)
    }
}
