import Tensors
import TestSupport
import Testing
import Transformer

/// Routing and the logistic gate against their naive twins. Tolerance 2e-6, norm of the difference over norm: the exponential is
/// within 2 units in the last place, and sums of some ten terms round a few times.
@Suite struct RoutingTests {
    static let shapes = [(1, 1), (4, 1), (7, 2), (7, 7), (16, 5)]
    static let tolerance = 2e-6

    /// More than one block of 64 rows.
    private let rows = 67

    private func forward(_ logits: [Float], experts: Int, k: Int, isNormalized: Bool) -> (probabilities: [Float], weights: [Float]) {
        var probabilities = Matrix(logits, columns: experts)
        var weights = Matrix(rows: probabilities.rows, columns: experts)
        weights.fill(.nan)
        var output = weights.mutableView
        var view = probabilities.mutableView
        Routing.forward(k, isNormalized: isNormalized, &view, weights: &output)
        return ([Float](probabilities.view), [Float](weights.view))
    }

    private func logits(_ experts: Int) -> [Float] {
        var random = SeededGenerator(seed: UInt64(experts))
        return .random(rows * experts, scale: 5, &random)
    }

    @Test(arguments: shapes, [false, true])
    func forwardIsTheNaiveOne(shape: (experts: Int, k: Int), isNormalized: Bool) {
        let logits = logits(shape.experts)
        let found = forward(logits, experts: shape.experts, k: shape.k, isNormalized: isNormalized).weights
        let expected = NaiveTwins.routed(logits.doubles, experts: shape.experts, k: shape.k, isNormalized: isNormalized)
        #expect(relativeError(found, expected.floats) < Self.tolerance)
        for row in stride(from: 0, to: found.count, by: shape.experts) {
            let chosen = found[row..<row + shape.experts].count { $0 != 0 }
            #expect(chosen == shape.k)
        }
    }

    @Test(arguments: shapes, [false, true])
    func backwardIsTheSlope(shape: (experts: Int, k: Int), isNormalized: Bool) {
        let logits = logits(shape.experts)
        let (probabilities, weights) = forward(logits, experts: shape.experts, k: shape.k, isNormalized: isNormalized)
        var random = SeededGenerator(seed: 9)
        let slopes = [Float].random(logits.count, &random)
        // An expert that a token does not go to says nothing of its weight.
        var gradient = Matrix(zip(slopes, weights).map { $1 == 0 ? 0 : $0 }, columns: shape.experts)
        var view = gradient.mutableView
        Routing.backward(
            probabilities: MatrixView(probabilities.span, rows: rows, columns: shape.experts),
            weights: MatrixView(weights.span, rows: rows, columns: shape.experts), &view)
        let expected = numericalGradient(at: logits.doubles) {
            inner(slopes.doubles, NaiveTwins.routed($0, experts: shape.experts, k: shape.k, isNormalized: isNormalized))
        }
        // A single normalised weight is 1 whatever the logits: what is left is the differences' own rounding.
        let size = shape.k == 1 && isNormalized || shape.experts == 1 ? 1.0 : 0
        #expect(relativeError([Float](gradient.view), expected.floats, least: size) < Self.tolerance)
    }

    @Test func ofEqualLogitsTheFirstAreChosen() {
        let (_, weights) = forward([1, 3, 3, 3, 0, 0, 0, 0], experts: 4, k: 2, isNormalized: true)
        #expect(weights == [0, 0.5, 0.5, 0, 0.5, 0.5, 0, 0])
    }

    /// What is not a number goes on to the loss; nothing traps.
    @Test(arguments: [Float.nan, .infinity, -.infinity])
    func oddLogitsChooseAsManyExperts(odd: Float) {
        let (_, weights) = forward([odd, 1, odd, 2], experts: 4, k: 3, isNormalized: true)
        #expect(weights.count { $0 != 0 } >= 1)
        #expect(forward([Float](repeating: odd, count: 4), experts: 4, k: 4, isNormalized: false).weights.count == 4)
    }

    @Test(arguments: [1, 7, 33])
    func theGateIsTheNaiveOneAndItsSlope(width: Int) {
        var random = SeededGenerator(seed: UInt64(width))
        let (logits, x) = ([Float].random(rows, scale: 4, &random), [Float].random(rows * width, &random))
        let slopes = [Float].random(rows * width, &random)
        func twin(_ logits: [Double], _ x: [Double]) -> [Double] { NaiveTwins.gated(logits, x, width: width) }
        var weights = Matrix(logits, columns: 1)
        var y = Matrix(x, columns: width)
        var weightView = weights.mutableView
        var output = y.mutableView
        LogisticGate.forward(&weightView, &output)
        #expect(relativeError([Float](output.view), twin(logits.doubles, x.doubles).floats) < Self.tolerance)

        var gradient = Matrix(slopes, columns: width)
        var logitGradient = Matrix(rows: rows, columns: 1)
        logitGradient.fill(.nan)
        var view = gradient.mutableView
        var logitView = logitGradient.mutableView
        LogisticGate.backward(weightView.view, output.view, &view, into: &logitView)
        let byLogits = numericalGradient(at: logits.doubles) { inner(slopes.doubles, twin($0, x.doubles)) }
        let byX = numericalGradient(at: x.doubles) { inner(slopes.doubles, twin(logits.doubles, $0)) }
        #expect(relativeError([Float](logitView.view), byLogits.floats) < Self.tolerance)
        #expect(relativeError([Float](view.view), byX.floats) < Self.tolerance)
    }
}
