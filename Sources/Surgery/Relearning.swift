package import Checkpoints
package import SystemPackage
internal import Tensors
package import Transformer

/// A model that is taught something again, to see what comes back with it: plain steps of gradient descent on some examples' mean loss, of
/// all its parameters, each gradient cut to a length of 1.
package struct Relearning {
    private let model: LanguageModel
    private let budget: MemoryBudget
    private let scratch: FilePath

    /// `scratch` is a directory with room for two numbers for each parameter.
    package init(_ model: LanguageModel, budget: MemoryBudget, scratch: FilePath) {
        (self.model, self.budget, self.scratch) = (model, budget, scratch)
    }

    /// The smallest budget, in bytes, in which the examples can be learned.
    package static func smallest(_ model: LanguageModel, _ examples: [Example]) -> Int {
        need(model, TokenBatch(examples)).smallest
    }

    private static func need(_ model: LanguageModel, _ batch: TokenBatch) -> SweepNeed {
        SweepNeed(model, batch, needsEveryExample: false)
    }

    /// The weights after so many steps, rounded to the stored type as if they had been written; the sum of the steps itself is kept in Float.
    package func learn(_ examples: [Example], steps: Int, rate: Double, progress: (Int, Int) -> Void = { _, _ in }) throws -> EditedWeights
    {
        let names = model.layout.parameters
        let change = try ParameterStore(model, names, in: scratch)
        let weights = EditedWeights(model.checkpoint, sum: change)
        let batch = TokenBatch(examples)
        let plan = try budget.plan(Self.need(model, batch), scratch: scratch)
        // F = I keeps nothing but the mean gradient.
        let fisher = try IdentityFisher(model, names, examples: examples.count, scratch: scratch)
        for step in 0..<steps {
            var sweep = try LayerSweep(model, batch, plan: plan)
            _ = try sweep.scoreKeeping(from: weights)
            try sweep.backward(from: weights, tap: fisher)
            let length = try fisher.meanGradient.norm(of: names)
            try change.add(fisher.meanGradient, scale: Float(-rate / max(1, length)))
            progress(step + 1, steps)
        }
        return weights
    }
}

extension ParameterStore {
    /// The Euclidean norm of some parameters' numbers together.
    fileprivate func norm(of names: [String]) throws -> Double {
        var sum = 0.0
        var buffer = Matrix(rows: 1, columns: 1 << 16)
        for name in names {
            for start in stride(from: 0, to: count(of: name), by: buffer.columns) {
                var elements = buffer.mutableElements
                var piece = elements._mutatingExtracting(0..<min(elements.count, count(of: name) - start))
                try read(name, from: start, into: &piece)
                for index in piece.indices { sum += Double(piece[index]) * Double(piece[index]) }
            }
        }
        return sum.squareRoot()
    }
}
