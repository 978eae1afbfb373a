import Foundation
import TestSupport
import Testing
import Transformer

/// Distributions made of slices of the vocabulary beside sums in Double over all of it.
struct NextTokenMomentsTests {
    private func logits(_ count: Int, seed: UInt64, around center: Float) -> [Float] {
        var random = SeededGenerator(seed: seed)
        return (0..<count).map { _ in center + Float.random(in: -9...9, using: &random) }
    }

    /// log p of every token, in Double.
    private func logProbabilities(_ logits: [Float]) -> [Double] {
        let most = logits.map(Double.init).max() ?? 0
        let sum = logits.reduce(0) { $0 + exp(Double($1) - most) }
        return logits.map { Double($0) - most - log(sum) }
    }

    private func slices(_ count: Int, _ height: Int) -> [Range<Int>] {
        stride(from: 0, to: count, by: height).map { $0..<min(count, $0 + height) }
    }

    /// Tolerance 2e-6: Float within runs of 512 logits.
    @Test(arguments: [1, 7, 100, 256, 1003])
    func slicesAreAsTheWhole(_ height: Int) {
        let values = logits(1003, seed: 1, around: 40)
        var moments = NextTokenMoments()
        for slice in slices(values.count, height) { moments.add(NextTokenMoments(Array(values[slice]).span, from: slice.lowerBound)) }
        let p = logProbabilities(values)
        let mean = p.reduce(0) { $0 + exp($1) * $1 }
        let deviation = (p.reduce(0) { $0 + exp($1) * $1 * $1 } - mean * mean).squareRoot()
        #expect(moments.best == values.firstIndex(of: values.max() ?? 0))
        #expect(abs(moments.mean - mean) < 2e-6 * abs(mean) && abs(moments.deviation - deviation) < 2e-6 * deviation)
        for token in [0, 500, 1002] {
            #expect(abs(moments.loss(values[token]) + p[token]) < 2e-6 * abs(p[token]))
            #expect(abs(moments.standardized(values[token]) - (p[token] - mean) / deviation) < 1e-5)
        }
    }

    /// Tolerance 1e-5 of the logits' own size: a divergence is the difference of two sums as large as they.
    @Test(arguments: [13, 256, 1003], [0, 300] as [Float])
    func soIsTheirDivergence(_ height: Int, _ offset: Float) {
        let (a, b) = (logits(1003, seed: 2, around: 5), logits(1003, seed: 3, around: 5 + offset))
        var (p, q, divergence) = (NextTokenMoments(), NextTokenMoments(), NextTokenDivergence())
        for slice in slices(a.count, height) {
            let (left, right) = (Array(a[slice]), Array(b[slice]))
            let (first, second) = (NextTokenMoments(left.span, from: 0), NextTokenMoments(right.span, from: 0))
            divergence.add(NextTokenDivergence(left.span, first, right.span, second))
            p.add(first)
            q.add(second)
        }
        let expected = zip(logProbabilities(a), logProbabilities(b)).reduce(0) { $0 + exp($1.0) * ($1.0 - $1.1) }
        #expect(abs(divergence.value(p, q) - expected) < 1e-5 * expected)
        #expect(divergence.value(p, p) >= 0)
    }

    /// The first of equals, wherever the vocabulary is cut.
    @Test(arguments: [1, 2, 3, 5])
    func theFirstOfEqualsIsTheLikeliest(_ height: Int) {
        let values: [Float] = [1, 4, 2, 4, 4]
        var moments = NextTokenMoments()
        for slice in slices(values.count, height) { moments.add(NextTokenMoments(Array(values[slice]).span, from: slice.lowerBound)) }
        #expect(moments.best == 1)
    }

    /// No number stays none.
    @Test func whatIsNoNumberStaysNone() {
        var moments = NextTokenMoments()
        for values in [[1, 2], [.nan, 3], [1, 1]] as [[Float]] { moments.add(NextTokenMoments(values.span)) }
        #expect(moments.loss(1).isNaN)
    }
}
