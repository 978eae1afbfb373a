import Checkpoints
import Tensors
import TestSupport
import Testing
import Transformer

/// Both normalisations against their naive twins. Tolerance 2e-6, norm of the difference over norm: some ten Float
/// roundings of 6e-8 each, and sums over a row that grow by less than as much again.
@Suite struct NormalizationTests {
    static let tolerance = 2e-6
    static let kinds = [ModelConfiguration.Norm.rms, .layer]
    /// With and without whole vectors of 8, and all of a row in the remainder.
    static let widths = [5, 8, 13, 24, 30]

    private let epsilon: Float = 1e-3
    /// More than one block of 64 rows.
    private let rows = 67

    private struct Forward {
        let x, weight, bias, y, statistics: [Float]
    }

    /// Random rows, some of them far from 0, and what the kernel makes of them.
    private func forward(_ kind: ModelConfiguration.Norm, width: Int, hasBias: Bool = true) -> Forward {
        var random = SeededGenerator(seed: UInt64(width))
        let x = [Float].random(rows * width, &random).enumerated().map { $1 * Float(1 + $0 / width % 3) + ($0 / width % 5 == 0 ? 1 : 0) }
        let (weight, bias) = ([Float].random(width, &random), hasBias ? [Float].random(width, &random) : [])
        var y = Matrix(rows: rows, columns: width)
        var statistics = Matrix(rows: rows, columns: 2)
        var output = y.mutableView
        var moments = statistics.mutableView
        Normalization.forward(
            kind, MatrixView(x.span, rows: rows, columns: width), weight: weight.span, bias: bias.span, epsilon: epsilon, into: &output,
            statistics: &moments)
        return Forward(x: x, weight: weight, bias: bias, y: [Float](y.view), statistics: [Float](statistics.view))
    }

    private func twin(_ kind: ModelConfiguration.Norm, _ x: [Double], _ weight: [Double], _ bias: [Double]) -> [Double] {
        NaiveTwins.normalized(kind, x, weight: weight, bias: bias, epsilon: Double(epsilon))
    }

    @Test(arguments: kinds, widths)
    func forwardIsTheNaiveOne(kind: ModelConfiguration.Norm, width: Int) {
        for hasBias in [false, true] {
            let found = forward(kind, width: width, hasBias: hasBias)
            let expected = twin(kind, found.x.doubles, found.weight.doubles, found.bias.doubles)
            #expect(relativeError(found.y, expected.floats) < Self.tolerance)
        }
    }

    /// With weights of 1 and no bias, a row is its elements less the mean, times the inverse.
    @Test(arguments: kinds, widths)
    func statisticsAreMeanAndInverse(kind: ModelConfiguration.Norm, width: Int) {
        let found = forward(kind, width: width)
        let plain = twin(kind, found.x.doubles, Array(repeating: 1, count: width), [])
        let rebuilt = found.x.indices.map { (found.x[$0] - found.statistics[$0 / width * 2]) * found.statistics[$0 / width * 2 + 1] }
        #expect(relativeError(rebuilt, plain.floats) < Self.tolerance)
        #expect(kind == .layer || stride(from: 0, to: 2 * rows, by: 2).allSatisfy { found.statistics[$0] == 0 })
    }

    /// The mean is taken out before squares are: a row of 1000 plus noise loses the digits that 1000 takes, and no more.
    @Test func layerVarianceStandsALargeMean() {
        var random = SeededGenerator(seed: 1)
        let x = [Float].random(64, &random).map { $0 + 1000 }
        let ones = [Float](repeating: 1, count: 64)
        let none: [Float] = []
        var y = Matrix(rows: 1, columns: 64)
        var statistics = Matrix(rows: 1, columns: 2)
        var output = y.mutableView
        var moments = statistics.mutableView
        Normalization.forward(
            .layer, MatrixView(x.span, rows: 1, columns: 64), weight: ones.span, bias: none.span, epsilon: epsilon, into: &output,
            statistics: &moments)
        #expect(relativeError([Float](y.view), twin(.layer, x.doubles, ones.doubles, []).floats) < 2e-4)
    }

    /// `backward` adds: what stood there before is taken off again, at the cost of one more rounding.
    @Test(arguments: kinds, widths)
    func backwardIsTheSlope(kind: ModelConfiguration.Norm, width: Int) {
        let pass = forward(kind, width: width)
        var random = SeededGenerator(seed: 2)
        let (dy, before) = ([Float].random(rows * width, &random), [Float].random(rows * width, &random))
        var dx = Matrix(before, columns: width)
        var output = dx.mutableView
        Normalization.backward(
            kind, dy: MatrixView(dy.span, rows: rows, columns: width), x: MatrixView(pass.x.span, rows: rows, columns: width),
            weight: pass.weight.span, statistics: MatrixView(pass.statistics.span, rows: rows, columns: 2), addingTo: &output)
        let expected = numericalGradient(at: pass.x.doubles) { inner(dy.doubles, twin(kind, $0, pass.weight.doubles, pass.bias.doubles)) }
        #expect(relativeError(zip([Float](dx.view), before).map { $0 - $1 }, expected.floats) < Self.tolerance)
    }

    @Test(arguments: kinds, widths)
    func parameterGradientsAreTheSlopes(kind: ModelConfiguration.Norm, width: Int) {
        let pass = forward(kind, width: width)
        var random = SeededGenerator(seed: 3)
        // Only the chosen rows count.
        let chosen = 3..<66
        let dy = [Float].random(rows * width, &random)
        let counted = dy.indices.map { chosen.contains($0 / width) ? Double(dy[$0]) : 0 }
        let (weightBefore, biasBefore) = ([Float].random(width, &random), [Float].random(width, &random))
        let (weight, bias) = parameterGradients(dy, pass, rows: chosen, addingTo: weightBefore, biasBefore)
        let expectedWeight = numericalGradient(at: pass.weight.doubles) {
            inner(counted, twin(kind, pass.x.doubles, $0, pass.bias.doubles))
        }
        let expectedBias = numericalGradient(at: pass.bias.doubles) { inner(counted, twin(kind, pass.x.doubles, pass.weight.doubles, $0)) }
        #expect(relativeError(zip(weight, weightBefore).map { $0 - $1 }, expectedWeight.floats) < Self.tolerance)
        #expect(relativeError(zip(bias, biasBefore).map { $0 - $1 }, expectedBias.floats) < Self.tolerance)
    }

    @Test func aNormWithoutBiasHasNoBiasGradient() {
        let pass = forward(.rms, width: 13)
        let zeros = [Float](repeating: 0, count: 13)
        let dy = [Float](repeating: 1, count: rows * 13)
        let (weight, bias) = parameterGradients(dy, pass, rows: 0..<rows, addingTo: zeros, [])
        #expect(weight == parameterGradients(dy, pass, rows: 0..<rows, addingTo: zeros, zeros).weight)
        #expect(bias.isEmpty)
    }

    private func parameterGradients(
        _ dy: [Float], _ pass: Forward, rows chosen: Range<Int>, addingTo weight: [Float], _ bias: [Float]
    ) -> (weight: [Float], bias: [Float]) {
        var (weight, bias) = (weight, bias)
        let width = weight.count
        var dw = weight.mutableSpan
        var db = bias.mutableSpan
        Normalization.addParameterGradients(
            dy: MatrixView(dy.span, rows: rows, columns: width), x: MatrixView(pass.x.span, rows: rows, columns: width),
            statistics: MatrixView(pass.statistics.span, rows: rows, columns: 2), rows: chosen, weight: &dw, bias: &db)
        return (weight, bias)
    }
}
