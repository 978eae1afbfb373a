import Checkpoints
import TestSupport
import Testing
import Transformer

@Suite struct CandidateSweepTests {
    /// The model's weights, every one multiplied.
    private struct Scaled: WeightSource {
        let base: Checkpoint
        let factor: Float

        func read(_ name: String, from offset: Int, into destination: inout MutableSpan<Float>) throws {
            try base.read(name, from: offset, into: &destination)
            for index in destination.indices { destination[index] *= factor }
        }
    }

    /// The same bits as each version gets in a sweep of its own.
    @Test(arguments: ["llama-tied-gqa", "mixtral-window", "qwen2-moe-shared"]) func scoresEachVersionAsIfAlone(fixture: String) throws {
        let model = try Fixture.model(fixture)
        let batch = TokenBatch(
            [[1, 5, 9, 2], [3, 3, 7]].map { tokens in
                Example(windows: [Window(inputs: Array(tokens.dropLast()), targets: Array(tokens.dropFirst()))])
            })
        let sources = [1, 0.5, 1.25].map { Scaled(base: model.checkpoint, factor: $0) }
        let together = CandidateSweep(model, batch, plan: .unbounded)
        let scores = try together.score(from: sources)
        for (source, score) in zip(sources, scores) {
            var alone = try LayerSweep(model, batch, plan: .forward)
            #expect(try alone.score(from: source).losses == score.losses)
        }
        #expect(scores[0].losses != scores[1].losses)
    }
}
