import Foundation
import Tensors
import TestSupport
import Testing
import Transformer

/// Softcap and clipping against their naive twins. Tolerance 2e-6, norm of the difference over norm: the hyperbolic tangent is
/// within 4 units in the last place, and the slope 1 - tanh^2 loses a digit where it is small.
@Suite struct SoftcapTests {
    private func input(_ seed: UInt64) -> [Float] {
        var random = SeededGenerator(seed: seed)
        return .random(7 * 19, scale: 4, &random)
    }

    private func changed(_ values: [Float], _ body: (inout MutableMatrixView) -> Void) -> [Float] {
        var matrix = Matrix(values, columns: 19)
        var view = matrix.mutableView
        body(&view)
        return [Float](matrix.view)
    }

    @Test(arguments: [Float(0.5), 3, 50])
    func capsAndGoesBack(cap: Float) {
        let (x, dy) = (input(1), input(2))
        func twin(_ x: [Double]) -> [Double] { x.map { Double(cap) * tanh($0 / Double(cap)) } }
        let y = changed(x) { Softcap.forward(cap, &$0) }
        #expect(relativeError(y, twin(x.doubles).floats) < 2e-6)
        let expected = numericalGradient(at: x.doubles) { inner(dy.doubles, twin($0)) }
        let found = changed(dy) { Softcap.backward(cap, capped: MatrixView(y.span, rows: 7, columns: 19), &$0) }
        #expect(relativeError(found, expected.floats) < 2e-6)
    }

    @Test(arguments: [Float(0.5), 3])
    func clipsAndGoesBack(bound: Float) {
        let (x, dy) = (input(1), input(2))
        func twin(_ x: [Double]) -> [Double] { x.map { min(max($0, -Double(bound)), Double(bound)) } }
        #expect(changed(x) { Clipping.forward(bound, &$0) } == twin(x.doubles).floats)
        let expected = numericalGradient(at: x.doubles) { inner(dy.doubles, twin($0)) }
        let found = changed(dy) { Clipping.backward(bound, MatrixView(x.span, rows: 7, columns: 19), &$0) }
        #expect(relativeError(found, expected.floats) < 2e-6)
    }

    /// The slopes of the paper: a geometric series from 2^(-8/n), and for other numbers of heads every other one of the next.
    @Test func linearBiasesHaveThePapersSlopes() {
        #expect(LinearBias(heads: 8).slopes == (1...8).map { Float(pow(2, -Double($0))) })
        let three = [1.0 / 16, 1.0 / 256, 1.0 / 4]
        #expect(LinearBias(heads: 3).slopes == three.map { Float($0) })
        #expect(LinearBias(heads: 3).values(head: 2, keys: 2..<4) == [0.5, 0.75])
        let rounded = LinearBias(heads: 12, isRounded: true, scale: 0.5).values(head: 10, keys: 0..<40)
        #expect(rounded.allSatisfy { ($0 * 2).bitPattern & 0xFFFF == 0 })
    }
}
