import Checkpoints
import SystemPackage
import Surgery
import TestSupport
import Testing
import Transformer

struct RelearningTests {
    private let examples: [Example] = [[3, 9, 27, 8], [1, 2, 3, 4, 5]].map { tokens in
        Example(windows: [Window(inputs: Array(tokens.dropLast()), targets: Array(tokens.dropFirst()))])
    }

    private func loss(_ model: LanguageModel, _ source: any WeightSource) throws -> Double {
        let batch = TokenBatch(examples)
        var sweep = try LayerSweep(model, batch, plan: .forward)
        return try sweep.score(from: source).meanLosses(batch).reduce(0, +) / Double(examples.count)
    }

    private func change(_ model: LanguageModel, steps: Int, rate: Double) throws -> (weights: EditedWeights, length: Double) {
        let weights = try Relearning(model, budget: .standard, scratch: FilePath("/tmp")).learn(examples, steps: steps, rate: rate)
        var sum = 0.0
        for name in model.layout.parameters {
            let before = try model.checkpoint.floats(name)
            var after = [Float](repeating: 0, count: before.count)
            var span = after.mutableSpan
            try weights.read(name, from: 0, into: &span)
            for (old, new) in zip(before, after) { sum += Double(new - old) * Double(new - old) }
        }
        return (weights, sum.squareRoot())
    }

    /// The first step goes down the gradient: the loss falls by the step's length times the gradient's, to first order, and the step is as
    /// long as the gradient, cut to 1, times the rate. Tolerance 2 %: the second order.
    @Test func aStepFollowsTheGradient() throws {
        let model = try Fixture.model("llama-tied-gqa")
        let before = try loss(model, model.checkpoint)
        let (rate, steps) = (1e-3, 1)
        let (weights, length) = try change(model, steps: steps, rate: rate)
        let fall = before - (try loss(model, weights))
        // Where the gradient g is cut, the length is the rate and the fall rate |g|; where it is not, rate |g| and rate |g|^2.
        let gradient = fall / length
        #expect(fall > 0 && abs(length - rate * min(1, gradient)) < 0.02 * length)
    }

    @Test func moreStepsLearnMore() throws {
        let model = try Fixture.model("llama-tied-gqa")
        let losses = try [0, 3, 12].map { try loss(model, try change(model, steps: $0, rate: 0.05).weights) }
        #expect(losses[0] == (try loss(model, model.checkpoint)))
        #expect(losses[1] < losses[0] && losses[2] < losses[1])
    }
}
