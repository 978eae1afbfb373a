import Checkpoints
import Surgery
import SystemPackage
import Tensors
import TestSupport
import Testing
import Transformer

@Suite struct DiagonalFisherTests {
    /// f_j = 1/m sum g_ij^2 + rho * mean, and the mean gradient: 1e-5, float32 sums of six terms.
    @Test(arguments: ["llama-tied-gqa", "gpt2-full-context"])
    func equalsTheSquaresOfTheGradients(name: String) throws {
        let pico = try PicoExamples(name)
        let fisher = try DiagonalFisher(pico.model, examples: 6, rho: 0.01, scratch: FilePath("/tmp"))
        try pico.backward(fisher)
        var undamped: [String: [Double]] = [:]
        for parameter in pico.model.layout.parameters {
            let rows = pico.rows(parameter)
            undamped[parameter] = rows[0].indices.map { index in rows.reduce(0.0) { $0 + $1[index] * $1[index] } / 6 }
        }
        let all = undamped.values.flatMap { $0 }
        let damping = 0.01 * all.reduce(0, +) / Double(all.count)
        #expect(abs(Double(fisher.damping) - damping) < 1e-5 * damping)
        for (parameter, squares) in undamped {
            var found = [Float](repeating: 0, count: squares.count)
            var span = found.mutableSpan
            try fisher.read(parameter, from: 0, into: &span)
            #expect(relativeDifference(found.map(Double.init), squares.map { $0 + damping }) < 1e-5, "\(parameter)")
            let mean = combination(pico.rows(parameter), [Double](repeating: 1 / 6, count: 6))
            // GPT-2's key bias has no gradient but rounding's: softmax does not see a shift.
            guard dot(mean, mean) > 1e-10 else { continue }
            #expect(relativeDifference(try pico.read(fisher.meanGradient, parameter), mean) < 1e-4, "\(parameter)")
        }
    }
}
