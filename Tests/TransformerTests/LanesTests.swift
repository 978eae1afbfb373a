import Checkpoints
import Foundation
import Tensors
import Testing
import Transformer

/// The functions that every kernel is made of, one number at a time. They are the module's own, so they are looked at
/// through kernels that pass their results on.
@Suite struct LanesTests {
    /// e to the power of each: the gradient of a row of logits whose log-sum is 0 and whose target is elsewhere.
    private func exponentials(_ x: [Float]) -> [Float] {
        var matrix = Matrix(x, columns: x.count)
        var view = matrix.mutableView
        let (logSums, targets, weights): ([Float], [Int32], [Float]) = ([0], [0], [1])
        CrossEntropy.backward(&view, firstColumn: 1, logSums: logSums.span, targets: targets.span, weights: weights.span)
        return [Float](matrix.view)
    }

    @Test func exponentialsAreWithinTwoUnitsInTheLastPlace() {
        let grid = stride(from: Float(-87), through: 88, by: 0x1p-11).map { $0 }
        let errors = zip(grid, exponentials(grid)).map { x, found in
            let expected = exp(Double(x))
            return abs(Double(found) - expected) / Double(Float(expected).ulp)
        }
        #expect((errors.max() ?? .infinity) <= 2)
    }

    @Test func exponentialsEndInNothingAndTheLargestNumber() {
        #expect(
            exponentials([-87.4, -88, -1000, -.greatestFiniteMagnitude, -.infinity]).allSatisfy {
                $0 >= 0 && $0 <= .leastNormalMagnitude * 1.00001
            })
        #expect(exponentials([88.73, 89, 1000, .greatestFiniteMagnitude, .infinity]).allSatisfy { $0 > 3.4e38 && $0.isFinite })
        #expect(exponentials([.nan])[0].isNaN)
        #expect(exponentials([0, -0.0]) == [1, 1])
    }

    /// gelu(x) = x/2 (1 + tanh(u)): the tangent's 4 units of 6e-8, and two or three roundings of u and of the result.
    @Test func tangentsAreWithinUnitsInTheLastPlaceOfOne() {
        let grid = stride(from: Float(-9), through: 9, by: 0x1p-10).map { $0 }
        var activated = Matrix(rows: 1, columns: grid.count)
        var output = activated.mutableView
        FeedForward.forward(.geluTanh, MatrixView(grid.span, rows: 1, columns: grid.count), into: &output)
        let expected = NaiveTwins.activated(.geluTanh, grid.doubles, width: grid.count)
        let wrong = grid.indices.filter { abs(Double(activated.elements[$0]) - expected[$0]) > 4e-7 * Double(abs(grid[$0])) }
        #expect(wrong.isEmpty)
    }

    /// Of every length with and without whole vectors of 8 and a remainder.
    @Test(arguments: 1...40)
    func sumsTakeEveryElement(count: Int) {
        var random = SeededGenerator(seed: UInt64(count))
        let logits = [Float].random(count, &random)
        let expected = log(logits.doubles.reduce(0) { $0 + exp($1) })
        // A forgotten element would be missed by 1e-2 at least.
        #expect(abs(Double(scores(logits, target: 0)[1]) - expected) < 1e-6)
    }

    @Test(arguments: 1...40)
    func productsTakeEveryElement(count: Int) {
        var random = SeededGenerator(seed: UInt64(count))
        let x = (0..<count).map { _ in Float.random(in: 0.5...1, using: &random) }
        let (ones, none) = ([Float](repeating: 1, count: count), [Float]())
        var y = Matrix(rows: 1, columns: count)
        var statistics = Matrix(rows: 1, columns: 2)
        var output = y.mutableView
        var moments = statistics.mutableView
        Normalization.forward(
            .rms, MatrixView(x.span, rows: 1, columns: count), weight: ones.span, bias: none.span, epsilon: 0, into: &output,
            statistics: &moments)
        let expected = (Double(count) / inner(x.doubles, x.doubles)).squareRoot()
        #expect(abs(Double(statistics.elements[1]) - expected) < 1e-6 * expected)
    }

    /// Wherever the largest element stands, it is found, and found there.
    @Test(arguments: 1...40)
    func maximaAreFoundWhereTheyStand(count: Int) {
        for place in 0..<count {
            var logits = (0..<count).map { -Float(($0 * 7 + place) % count) - 1 }
            logits[place] = -0.5
            // Were a smaller one taken for the largest, the loss would overflow or lose its digits; this one is log(1 + sum).
            let expected = log(logits.doubles.reduce(0) { $0 + exp($1 + 0.5) })
            #expect(abs(Double(scores(logits, target: place)[0]) - expected) < 1e-6)
            #expect((0..<count).filter { scores(logits, target: $0)[2] == 1 } == [place])
        }
    }

    /// Loss, log-sum and whether the target is the largest.
    private func scores(_ logits: [Float], target: Int) -> [Float] {
        var matrix = Matrix(logits, columns: logits.count)
        var scores = Matrix(rows: 1, columns: 3)
        var tile = matrix.mutableView
        var output = scores.mutableView
        let targets = [Int32(target)]
        CrossEntropy.forward(&tile, targets: targets.span, scores: &output)
        return [Float](scores.view)
    }
}
