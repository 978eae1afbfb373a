import Checkpoints
import Synchronization
import SystemPackage
import TestSupport
import Testing
import Transformer

/// Sweeps that pass the layers below what may change once, against sweeps that pass every layer every time.
@Suite struct UnchangedLayersTests {
    /// A model with its parameters from a layer up multiplied, which notes the names that are read.
    private final class Scaled: WeightSource {
        private let base: Checkpoint
        private let changing: Set<String>
        let factor: Float
        private let names = Mutex<Set<String>>([])

        var read: Set<String> { names.withLock { $0 } }

        init(_ base: Checkpoint, _ changing: Set<String>, factor: Float) {
            (self.base, self.changing, self.factor) = (base, changing, factor)
        }

        func read(_ name: String, from offset: Int, into destination: inout MutableSpan<Float>) throws {
            names.withLock { _ = $0.insert(name) }
            try base.read(name, from: offset, into: &destination)
            if changing.contains(name) { for index in destination.indices { destination[index] *= factor } }
        }
    }

    /// Collects the gradients of some parameters.
    private final class Collector: GradientTap {
        let needsEveryExample = true
        private let names: Set<String>
        private let collector: GradientCollector

        var gradients: [String: [Float]] { collector.gradients.filter { names.contains($0.key) } }

        init(of names: Set<String>, examples: Int) {
            self.names = names
            collector = GradientCollector(coefficients: (0..<examples).map { Float($0) - 0.5 })
        }

        func wants(_ parameter: String) -> Bool { names.contains(parameter) }

        func visit(_ slice: ParameterSlice, _ factors: borrowing GradientFactors, examples: Range<Int>) throws {
            try collector.visit(slice, factors, examples: examples)
        }

        func finish(_ group: ParameterGroup) throws -> Bool { try collector.finish(group) }
    }

    private static let models = ["llama-tied-gqa", "gemma2-softcaps", "gpt-neox-parallel", "qwen2-moe-shared"]

    private let batch = TokenBatch(
        [[1, 5, 9, 2], [3, 3, 7], [8, 2, 2, 4, 6]].map { tokens in
            Example(windows: [Window(inputs: Array(tokens.dropLast()), targets: Array(tokens.dropFirst()))])
        }, rowsPerMicroBatch: 4)

    /// A model's parameters from a layer up, and the names below it.
    private func parts(_ model: LanguageModel, from first: Int) -> (changing: Set<String>, below: Set<String>) {
        let layers = model.layout.layers.map(\.parameters)
        let below = Set(layers[..<first].joined())
        let upper = layers[first...].joined() + (model.layout.finalNorm?.names ?? [])
        return (Set(upper), below)
    }

    /// The same bits as the weights get in a sweep that passes every layer, wherever what is kept lies; nothing below is read again.
    @Test(arguments: models, SweepPlan.InMemory.allCases) func gradientsAreThoseOfAWholeSweep(name: String, inMemory: SweepPlan.InMemory)
        throws
    {
        let model = try Fixture.model(name)
        let layers = model.layout.layers.count
        #expect(layers > 1)
        for first in 1...layers {
            let (changing, below) = parts(model, from: first)
            #expect(model.layout.unchangedLayers(where: changing.contains) == first)
            let plan = SweepPlan(inMemory: inMemory, scratch: "/tmp", chunkRows: Int.max, unchangedLayers: first)
            var kept = try LayerSweep(model, batch, plan: plan)
            _ = try kept.scoreKeeping(from: model.checkpoint)
            for factor: Float in [0.5, 1.25] {
                let source = Scaled(model.checkpoint, changing, factor: factor)
                var whole = try LayerSweep(model, batch, plan: .unbounded)
                let expected = try whole.scoreKeeping(from: source)
                let gradients = Collector(of: changing, examples: 3)
                try whole.backward(from: source, tap: gradients)

                let again = Scaled(model.checkpoint, changing, factor: factor)
                #expect(try kept.scoreKeeping(from: again).losses == expected.losses)
                let found = Collector(of: changing, examples: 3)
                try kept.backward(from: again, tap: found)
                #expect(found.gradients == gradients.gradients)
                #expect(Set(found.gradients.keys) == changing)
                #expect(again.read.isDisjoint(with: below))
            }
        }
    }

    /// Versions of the weights in one sweep and the next.
    @Test(arguments: models) func scoresAreThoseOfAWholeSweep(name: String) throws {
        let model = try Fixture.model(name)
        for first in 1...model.layout.layers.count {
            let (changing, below) = parts(model, from: first)
            let plan = SweepPlan(inMemory: .inputs, chunkRows: Int.max, candidates: 2, unchangedLayers: first)
            let sweep = CandidateSweep(model, batch, plan: plan)
            for factors: [Float] in [[0.5, 1, 2], [1.25]] {
                let sources = factors.map { Scaled(model.checkpoint, changing, factor: $0) }
                let scores = try sweep.score(from: sources)
                for (source, score) in zip(sources, scores) {
                    var alone = try LayerSweep(model, batch, plan: .forward)
                    #expect(try alone.score(from: Scaled(model.checkpoint, changing, factor: source.factor)).losses == score.losses)
                }
                // The first of all passes what is below.
                for source in sources.dropFirst(factors.count == 1 ? 0 : 1) { #expect(source.read.isDisjoint(with: below)) }
            }
        }
    }

    /// What enters the first layer changes with the embedding, and a tied head is the embedding.
    @Test func nothingIsUnchangedAboveTheEmbedding() throws {
        let tied = try Fixture.model("llama-tied-gqa").layout
        #expect(tied.unchangedLayers { $0 == tied.head } == 0)
        let untied = try Fixture.model("llama-untied-biases").layout
        #expect(untied.unchangedLayers { $0 == untied.head } == untied.layers.count)
        #expect(untied.unchangedLayers { $0 == untied.embedding } == 0)
    }
}
