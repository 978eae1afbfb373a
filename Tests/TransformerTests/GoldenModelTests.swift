import Checkpoints
import SystemPackage
import Tensors
import TestSupport
import Testing
import Transformer

/// Logits, losses and every parameter's gradient against transformers in float32 (fixtures by make_pico_models.py).
/// Tolerance 1e-4, norm of the difference over norm: float32 sums in another order differ by some 1e-6.
@Suite struct GoldenModelTests {
    @Test(arguments: Fixture.picoModels)
    func logits(name: String) throws {
        let model = try Fixture.model(name)
        let reference = try Checkpoint(Fixture.directory.appending(name).appending("reference.safetensors"))
        let tokens = try reference.tokens("tokens")
        let batch = TokenBatch([Example(windows: [Window(inputs: tokens, targets: tokens.map { _ in 0 })])])
        let rows = try LayerSweep.scoredRows(model, batch, from: model.checkpoint)
        var logits: [Float] = []
        try DecoderHead(model, from: model.checkpoint).logits(of: rows.view) { _, tile in
            for row in 0..<tile.rows { for column in 0..<tile.columns { logits.append(tile.view.row(row)[column]) } }
        }
        #expect(relativeError(logits, try reference.floats("logits")) < 1e-4)
    }

    @Test(arguments: Fixture.picoModels)
    func gradients(name: String) throws {
        let model = try Fixture.model(name)
        let reference = try Checkpoint(Fixture.directory.appending(name).appending("reference.safetensors"))
        let tokens = try reference.tokens("tokens")
        let batch = TokenBatch([Example(windows: [Window(inputs: Array(tokens.dropLast()), targets: Array(tokens.dropFirst()))])])
        var sweep = try LayerSweep(model, batch, plan: .unbounded)
        let scores = try sweep.scoreKeeping(from: model.checkpoint)
        #expect(relativeError(scores.losses, try reference.floats("loss")) < 1e-4)
        let tap = GradientCollector(coefficients: [1])
        try sweep.backward(from: model.checkpoint, tap: tap)
        #expect(Set(tap.gradients.keys) == Set(model.layout.parameters))
        // A gradient that is 0 but for rounding, such as that of a key's bias without rotary positions, is held to a hundredth
        // of the others.
        let all = try model.layout.parameters.flatMap { try reference.floats("grad/" + $0).doubles }
        let typical = (inner(all, all) / Double(all.count)).squareRoot()
        for parameter in model.layout.parameters {
            let error = relativeError(tap.gradients[parameter] ?? [], try reference.floats("grad/" + parameter), least: 0.01 * typical)
            #expect(error < 1e-4, "\(parameter)")
        }
    }
}
