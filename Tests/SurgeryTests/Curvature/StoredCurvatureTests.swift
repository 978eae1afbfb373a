import Checkpoints
import Surgery
import SystemPackage
import TestSupport
import Testing
import Transformer

@Suite struct StoredCurvatureTests {
    /// A F^-1 A^T and F^-1 A^T c against the same from whole gradients in Double: 1e-4, float32 products.
    @Test(arguments: ["llama-tied-gqa", "gpt2-full-context"])
    func gramAndStepEqualTheDenseOnes(name: String) throws {
        let pico = try PicoExamples(name)
        let fisher = try DiagonalFisher(pico.model, examples: 6, rho: 0.01, scratch: FilePath("/tmp"))
        try pico.backward(fisher)
        let curvature = StoredCurvature(fisher, of: pico.model.checkpoint, parameters: pico.model.layout.parameters)
        var sweep = try pico.sweep(0..<0, 0..<6)
        let metric = try curvature.gram(&sweep, from: pico.model.checkpoint)
        let step = try ParameterStore(pico.model, in: FilePath("/tmp"))
        let coefficients = [0.5, -1, 0.25, 0, 2, -0.125]
        let effect = try curvature.step(coefficients, &sweep, from: pico.model.checkpoint, into: step)

        var expected = [Double](repeating: 0, count: 36)
        var change = 0.0
        for parameter in pico.model.layout.parameters {
            let rows = pico.rows(parameter)
            var diagonal = [Float](repeating: 0, count: rows[0].count)
            var span = diagonal.mutableSpan
            try fisher.read(parameter, from: 0, into: &span)
            let scaled = rows.map { zip($0, diagonal).map { $0 / Double($1) } }
            for i in 0..<6 { for j in 0..<6 { expected[i * 6 + j] += dot(scaled[i], rows[j]) } }
            let wanted = combination(scaled, coefficients)
            #expect(relativeDifference(try pico.read(step, parameter), wanted) < 1e-4, "\(parameter)")
            change += dot(wanted, combination(rows, [Double](repeating: 1 / 6, count: 6)))
        }
        #expect(relativeDifference(metric.values, expected) < 1e-4)
        #expect(abs(effect.onRetain - change) < 1e-3 * abs(change))
        #expect(abs(effect.onRows - dot(coefficients, metric.times(coefficients))) < 1e-4 * effect.onRows)
    }
}
