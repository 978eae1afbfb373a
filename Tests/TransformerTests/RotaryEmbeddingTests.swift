import Checkpoints
import Tensors
import TestSupport
import Testing
import Transformer

/// Rotary positions against complex multiplication in Double.
@Suite struct RotaryEmbeddingTests {
    private let positions = 40
    private let heads = 3
    private let headSize = 10
    /// Columns after the rotated heads, such as the values: they must stay as they are.
    private let others = 4
    private var columns: Int { heads * headSize + others }

    private func rows(seed: UInt64) -> [Float] {
        var random = SeededGenerator(seed: seed)
        return .random(positions * columns, &random)
    }

    private func rotated(_ x: [Float], base: Double, direction: Float, turned: Int = 10) -> [Float] {
        let tables = RotaryEmbedding([RotaryParameters(base: base, columns: turned)], headSize: headSize, positions: positions)
        var matrix = Matrix(x, columns: columns)
        var view = matrix.mutableView
        tables.rotate(&view, heads: heads, table: 0, direction: direction)
        return [Float](matrix.view)
    }

    private func twin(_ x: [Double], base: Double, turned: Int = 10) -> [Double] {
        NaiveTwins.rotated(x, columns: columns, heads: heads, headSize: headSize, base: base, turned: turned)
    }

    /// Angles are Float, as in the reference implementation: an angle of up to 39 is off by two roundings of 6e-8 of it, so
    /// by 5e-6 at most.
    @Test(arguments: [10_000.0, 100.0, 1e6])
    func forwardIsTheNaiveOne(base: Double) {
        let x = rows(seed: 1)
        #expect(relativeError(rotated(x, base: base, direction: 1), twin(x.doubles, base: base).floats) < 5e-6)
    }

    @Test(arguments: [2, 4, 8])
    func aPartOfAHeadIsTurned(turned: Int) {
        let (x, dy) = (rows(seed: 1), rows(seed: 2))
        #expect(
            relativeError(rotated(x, base: 100, direction: 1, turned: turned), twin(x.doubles, base: 100, turned: turned).floats) < 5e-6)
        let expected = numericalGradient(at: x.doubles) { inner(dy.doubles, twin($0, base: 100, turned: turned)) }
        #expect(relativeError(rotated(dy, base: 100, direction: -1, turned: turned), expected.floats) < 5e-6)
    }

    @Test(arguments: [10_000.0, 100.0, 1e6])
    func backwardIsTheSlope(base: Double) {
        let (x, dy) = (rows(seed: 1), rows(seed: 2))
        let expected = numericalGradient(at: x.doubles) { inner(dy.doubles, twin($0, base: base)) }
        #expect(relativeError(rotated(dy, base: base, direction: -1), expected.floats) < 5e-6)
    }

    /// 1e-6: cosine and sine are rounded, so their squares add up to 1 within 2e-7.
    @Test func rotatingBackGivesBack() {
        let x = rows(seed: 3)
        let there = rotated(x, base: 10_000, direction: 1)
        #expect(relativeError(there, x) > 0.1)
        #expect(relativeError(rotated(there, base: 10_000, direction: -1), x) < 1e-6)
    }

    @Test func theFirstPositionAndOtherColumnsStayAsTheyAre() {
        let x = rows(seed: 4)
        let there = rotated(x, base: 10_000, direction: 1)
        #expect(there[..<columns] == x[..<columns])
        let isOther = x.indices.filter { $0 % columns >= heads * headSize }
        #expect(isOther.map { there[$0] } == isOther.map { x[$0] })
    }

    /// What the embedding is for: a query's product with a key depends on their distance alone. Tolerance: see above.
    @Test func productsDependOnDistanceAlone() {
        var random = SeededGenerator(seed: 5)
        let row = [Float].random(columns, &random)
        let there = rotated((0..<positions).flatMap { _ in row }, base: 10_000, direction: 1).doubles
        func product(_ query: Int, _ key: Int) -> Double {
            inner(there[query * columns..<query * columns + headSize], there[key * columns + headSize..<key * columns + 2 * headSize])
        }
        #expect(abs(product(30, 25) - product(5, 0)) < 2e-5)
        #expect(abs(product(30, 25) - product(30, 20)) > 1e-3)
    }
}
