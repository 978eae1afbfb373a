import Checkpoints
import Foundation
import SystemPackage
import Tensors
import TestSupport
import Testing
import Transformer

/// Whole sweeps over pico models: against transformers, against differences of the loss, and against themselves under
/// other plans.
@Suite struct LayerSweepTests {
    /// Gradients of every example by way of `exampleGradients`, in two parts; and what was visited, in order.
    private final class ExampleGradients: GradientTap {
        let needsEveryExample: Bool
        let visitsAgain: Bool
        private(set) var gradients: [String: [Int: [Float]]] = [:]
        private(set) var visits: [(name: String, examples: Range<Int>)] = []
        private(set) var groups: [String] = []

        init(needsEveryExample: Bool = true, visitsAgain: Bool = false) {
            self.needsEveryExample = needsEveryExample
            self.visitsAgain = visitsAgain
        }

        func visit(_ slice: ParameterSlice, _ factors: borrowing GradientFactors, examples: Range<Int>) throws {
            visits.append((slice.name, examples))
            #expect((slice.rows, slice.columns, examples.count) == (factors.rows, factors.columns, factors.exampleCount))
            for rows in [0..<slice.rows / 3, slice.rows / 3..<slice.rows] {
                var part = Matrix(rows: examples.count, columns: rows.count * slice.columns)
                part.fill(.nan)
                var view = part.mutableView
                factors.exampleGradients(ofRows: rows, into: &view)
                for (index, example) in examples.enumerated() {
                    gradients[slice.name, default: [:]][example, default: []] += [Float](part.rows(index..<index + 1))
                }
            }
        }

        func finish(_ group: ParameterGroup) throws -> Bool {
            groups.append(group.name)
            return visitsAgain && groups.count { $0 == group.name } == 1
        }
    }

    /// A checkpoint with one parameter changed.
    private struct Perturbed: WeightSource {
        let checkpoint: Checkpoint
        let name: String
        let index: Int
        let change: Float

        func read(_ name: String, from offset: Int, into destination: inout MutableSpan<Float>) throws {
            try checkpoint.read(name, from: offset, into: &destination)
            if name == self.name && index >= offset && index < offset + destination.count { destination[index - offset] += change }
        }
    }

    private func window(_ tokens: [Int32], scored: [UInt8]? = nil) -> Window {
        Window(
            inputs: tokens.dropLast(), targets: tokens.indices.dropLast().map { scored?[$0] == 0 ? Window.unscored : tokens[$0 + 1] })
    }

    private func randomWindow(_ model: LanguageModel, length: Int, _ random: inout SeededGenerator) -> Window {
        window((0...length).map { _ in Int32.random(in: 0..<Int32(model.configuration.vocabularySize), using: &random) })
    }

    /// Of several micro-batches and chunks: 90 examples of a window, one of 150 windows among them.
    private func largeBatch(_ model: LanguageModel) -> TokenBatch { TokenBatch(manyExamples(model)) }

    private func manyExamples(_ model: LanguageModel) -> [Example] {
        var random = SeededGenerator(seed: 3)
        return (0..<90).map { index in
            let windows = index == 30 ? 150 : 1
            return Example(windows: (0..<windows).map { _ in randomWindow(model, length: .random(in: 10...24, using: &random), &random) })
        }
    }

    private func coefficients(_ batch: TokenBatch) -> [Float] {
        var random = SeededGenerator(seed: 4)
        return .random(batch.exampleRows.count, &random)
    }

    /// The weighted sum of the examples' gradients, under a plan.
    private func gradients(
        _ model: LanguageModel, _ batch: TokenBatch, _ coefficients: [Float], plan: SweepPlan = .unbounded, needsEveryExample: Bool = true
    ) throws -> [String: [Float]] {
        let tap = GradientCollector(coefficients: coefficients, needsEveryExample: needsEveryExample)
        try visit(model, batch, tap, plan: plan)
        return tap.gradients
    }

    private func visit(_ model: LanguageModel, _ batch: TokenBatch, _ tap: any GradientTap, plan: SweepPlan = .unbounded) throws {
        var sweep = try LayerSweep(model, batch, plan: plan)
        _ = try sweep.scoreKeeping(from: model.checkpoint)
        try sweep.backward(from: model.checkpoint, tap: tap)
    }

    private func expectEqual(_ found: [String: [Float]], _ expected: [String: [Float]], within tolerance: Double) {
        #expect(Set(found.keys) == Set(expected.keys))
        for (name, values) in expected { #expect(relativeError(found[name] ?? [], values) < tolerance, "\(name)") }
    }

    // MARK: Against transformers

    /// Tolerance 1e-4, norm of the difference over norm: float32 sums in another order differ by some 1e-6, more where the
    /// gradients of several tokens cancel.
    @Test(arguments: ["llama-tied-gqa", "gpt2-full-context", "gemma2-softcaps", "gpt-neox-parallel", "qwen2-moe-shared"])
    func everyExampleHasTheReferenceGradient(name: String) throws {
        let model = try Fixture.model(name)
        let reference = try Checkpoint(Fixture.directory.appending(name).appending("examples.safetensors"))
        let batch = TokenBatch(
            try (0..<6).map { index in
                Example(windows: [
                    window(try reference.tokens("example\(index)/tokens"), scored: try reference.bytes("example\(index)/scored"))
                ])
            })
        var sweep = try LayerSweep(model, batch, plan: .unbounded)
        let losses = try sweep.scoreKeeping(from: model.checkpoint).meanLosses(batch)
        let all = ExampleGradients()
        try sweep.backward(from: model.checkpoint, tap: all)
        #expect(Set(all.gradients.keys) == Set(model.layout.parameters))
        for example in 0..<6 {
            #expect(relativeError([Float(losses[example])], try reference.floats("example\(example)/loss")) < 1e-4)
            let alone = GradientCollector(coefficients: (0..<6).map { $0 == example ? 1 : 0 })
            try sweep.backward(from: model.checkpoint, tap: alone)
            for parameter in model.layout.parameters {
                let expected = try reference.floats("example\(example)/grad/\(parameter)")
                #expect(relativeError(all.gradients[parameter]?[example] ?? [], expected) < 1e-4, "\(example) \(parameter)")
                #expect(relativeError(alone.gradients[parameter] ?? [], expected) < 1e-4, "\(example) \(parameter)")
            }
        }
    }

    // MARK: Against differences of the loss

    /// Four losses at one and two steps of 0.01 leave an error of order 1e-8 by curvature; Float losses of some units, off by
    /// 5e-7, leave 5e-5. So a hundredth of the tensor's root mean square, and 1e-4: a missing term or a wrong sign is far above.
    @Test(arguments: ["llama-untied-biases", "llama-mqa-head-dim", "gpt2-tied", "gpt2-full-context"])
    func gradientsAreTheSlopesOfTheLoss(name: String) throws {
        let model = try Fixture.model(name)
        var random = SeededGenerator(seed: 1)
        let windows = [12, 5, 9, 17].map { randomWindow(model, length: $0, &random) }
        let batch = TokenBatch([
            Example(windows: [windows[0]]), Example(windows: [windows[1], windows[2]]), Example(windows: [windows[3]]),
        ])
        let coefficients: [Float] = [0.5, -1, 0.75]
        let gradients = try gradients(model, batch, coefficients)
        func loss(_ name: String, _ index: Int, _ change: Float) throws -> Double {
            var sweep = try LayerSweep(model, batch, plan: .forward)
            let source = Perturbed(checkpoint: model.checkpoint, name: name, index: index, change: change)
            return inner(coefficients.doubles, try sweep.score(from: source).meanLosses(batch))
        }
        for parameter in model.layout.parameters {
            let gradient = try #require(gradients[parameter]).doubles
            let size = (inner(gradient, gradient) / Double(gradient.count)).squareRoot()
            let steepest = gradient.indices.max { abs(gradient[$0]) < abs(gradient[$1]) } ?? 0
            for index in [steepest] + (0..<3).map({ _ in Int.random(in: gradient.indices, using: &random) }) {
                let near = try loss(parameter, index, 0.01) - loss(parameter, index, -0.01)
                let far = try loss(parameter, index, 0.02) - loss(parameter, index, -0.02)
                let slope = (8 * near - far) / 0.12
                #expect(abs(slope - gradient[index]) < 0.01 * size + 1e-4, "\(parameter) \(index)")
            }
        }
    }

    // MARK: Under other plans

    /// To the bit.
    @Test(arguments: [
        "llama-tied-gqa", "gpt2-full-context", "gemma2-softcaps", "gpt-neox-parallel", "opt-post-norm", "olmo-clipped", "bloom-five-heads",
        "phi3-long", "stablelm-parallel", "mixtral-window", "qwen2-moe-shared", "olmoe-one-of-four",
    ])
    func whatIsKeptMayLieInMemoryOrInAFileOrBeComputedAnew(name: String) throws {
        let model = try Fixture.model(name)
        let batch = largeBatch(model)
        let scratch = FilePath(NSTemporaryDirectory())
        #expect(SweepPlan.unbounded.inMemory == .activations)
        let expected = try gradients(model, batch, coefficients(batch))
        for inMemory in [SweepPlan.InMemory.inputs, .factors, .least] {
            let plan = SweepPlan(inMemory: inMemory, scratch: scratch, chunkRows: Int.max)
            #expect(try gradients(model, batch, coefficients(batch), plan: plan) == expected)
        }
    }

    /// 1e-5: the chunks' sums are added in another order.
    @Test(arguments: ["llama-tied-gqa", "gpt2-full-context", "gemma2-softcaps", "opt-post-norm", "qwen2-moe-shared"], [1, 1000, 2100])
    func additiveTapsMayComeInChunks(name: String, chunkRows: Int) throws {
        let model = try Fixture.model(name)
        let batch = largeBatch(model)
        let expected = try gradients(model, batch, coefficients(batch), needsEveryExample: false)
        for inMemory in SweepPlan.InMemory.allCases {
            let plan = SweepPlan(inMemory: inMemory, scratch: FilePath(NSTemporaryDirectory()), chunkRows: chunkRows)
            expectEqual(try gradients(model, batch, coefficients(batch), plan: plan, needsEveryExample: false), expected, within: 1e-5)
        }
    }

    @Test(arguments: [false, true])
    func chunksComeOnlyToTapsThatTakeThem(needsEveryExample: Bool) throws {
        let model = try Fixture.model("llama-tied-gqa")
        let batch = largeBatch(model)
        let tap = ExampleGradients(needsEveryExample: needsEveryExample)
        try visit(model, batch, tap, plan: SweepPlan(inMemory: .inputs, chunkRows: 1))
        let layer = model.layout.layers[1]
        let chunks = batch.chunks(ofRows: needsEveryExample ? Int.max : 1).map(\.examples)
        #expect(needsEveryExample == (chunks.count == 1))
        for name in [layer.attentionNorm?.weight, layer.projections[0].weight, layer.feedForward?.contraction.weight] {
            #expect(tap.visits.filter { $0.name == name }.map(\.examples) == chunks)
        }
    }

    @Test func groupsComeFromHeadToEmbeddingAndAgainWhereAsked() throws {
        let batch = { (model: LanguageModel) in
            var random = SeededGenerator(seed: 5)
            return TokenBatch([Example(windows: [randomWindow(model, length: 8, &random)])])
        }
        for (name, groups) in [
            ("llama-untied-biases", ["final norm", "head", "layer 1", "layer 0", "embedding"]),
            ("gpt2-tied", ["final norm", "layer 1", "layer 0", "position embedding", "embedding"]),
            ("qwen2-moe-shared", ["final norm", "head", "layer 1", "layer 0", "embedding"]),
        ] {
            let model = try Fixture.model(name)
            let (once, twice) = (ExampleGradients(), ExampleGradients(visitsAgain: true))
            try visit(model, batch(model), once)
            try visit(model, batch(model), twice)
            #expect(once.groups == groups)
            #expect(twice.groups == groups.flatMap { [$0, $0] })
            #expect(twice.visits.count == 2 * once.visits.count)
            for (name, gradients) in once.gradients {
                #expect(twice.gradients[name]?[0] == (gradients[0] ?? []) + (gradients[0] ?? []), "\(name)")
            }
        }
    }

    // MARK: Against other batches

    /// 1e-5: a batch's products are cut and summed in another order than an example's alone.
    @Test(arguments: ["llama-tied-gqa", "gpt2-full-context", "mixtral-window", "qwen2-moe-shared"])
    func anExampleIsTheSameAloneAndAmongOthers(name: String) throws {
        let model = try Fixture.model(name)
        let examples = manyExamples(model)
        let among = try gradients(model, TokenBatch(examples), examples.indices.map { $0 == 30 ? 1 : 0 })
        expectEqual(among, try gradients(model, TokenBatch([examples[30]]), [1]), within: 1e-5)
    }

    /// An example's loss is the mean over the tokens of all its windows, and so is its gradient.
    @Test func windowsCountByTheirTokens() throws {
        let model = try Fixture.model("llama-tied-gqa")
        var random = SeededGenerator(seed: 6)
        let windows = [6, 18].map { randomWindow(model, length: $0, &random) }
        let apart = TokenBatch(windows.map { Example(windows: [$0]) })
        expectEqual(
            try gradients(model, TokenBatch([Example(windows: windows)]), [1]), try gradients(model, apart, [0.25, 0.75]), within: 1e-5)
    }

    /// To the bit: scoring alone takes another path through a layer than scoring with gradients to follow.
    @Test(arguments: Fixture.picoModels)
    func scoresAreTheSameWhetherGradientsFollowOrNot(name: String) throws {
        let model = try Fixture.model(name)
        let batch = largeBatch(model)
        var forward = try LayerSweep(model, batch, plan: .forward)
        var keeping = try LayerSweep(model, batch, plan: .unbounded)
        let (scores, kept) = (try forward.score(from: model.checkpoint), try keeping.scoreKeeping(from: model.checkpoint))
        let areSame = scores.losses == kept.losses && scores.isArgmax == kept.isArgmax
        #expect(areSame)
    }
}
