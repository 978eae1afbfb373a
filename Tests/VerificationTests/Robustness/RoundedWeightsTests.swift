import Checkpoints
import Tensors
import TestSupport
import Testing
import Verification

struct RoundedWeightsTests {
    private func read(_ source: some WeightSource, _ name: String, _ range: Range<Int>) throws -> [Float] {
        var values = [Float](repeating: 0, count: range.count)
        var span = values.mutableSpan
        try source.read(name, from: range.lowerBound, into: &span)
        return values
    }

    /// Llama's maps are stored outputs by inputs, GPT-2's inputs by outputs; an expert's are maps too.
    @Test(arguments: ["llama-tied-gqa", "gpt2-tied", "mixtral-window"])
    func roundsMapsAndNothingElse(_ name: String) throws {
        let model = try Fixture.model(name)
        let rounding = try #require(IntegerRounding(name: "int4"))
        let rounded = RoundedWeights(model, rounding)
        let maps = model.layout.layers.flatMap { $0.linears + $0.experts.flatMap(\.linears) }
        for name in model.layout.parameters {
            let count = try #require(model.checkpoint.tensor(named: name)).elementCount
            let (before, after) = (try read(model.checkpoint, name, 0..<count), try read(rounded, name, 0..<count))
            guard let map = maps.first(where: { $0.weight == name }) else {
                #expect(before == after, "\(name)")
                continue
            }
            for output in 0..<map.outputs {
                let places = (0..<map.inputs).map { map.isInputByOutput ? $0 * map.outputs + output : output * map.inputs + $0 }
                #expect(Set(places.map { after[$0] }).count <= 15)
                let most = places.map { abs(before[$0]) }.max() ?? 0
                // No weight moves by more than half a step.
                #expect(places.allSatisfy { abs(after[$0] - before[$0]) <= most / 14 * 1.0001 })
            }
        }
    }

    /// A piece of a tensor is what it is in the whole, wherever it begins.
    @Test(arguments: ["llama-tied-gqa", "gpt2-tied"])
    func piecesAreParts(_ name: String) throws {
        let model = try Fixture.model(name)
        let map = model.layout.layers[0].attentionOutput
        let count = map.inputs * map.outputs
        for rounding in IntegerRounding.names.compactMap(IntegerRounding.init(name:)) {
            let rounded = RoundedWeights(model, rounding)
            let whole = try read(rounded, map.weight, 0..<count)
            for range in [0..<1, 5..<7, map.storedColumns..<3 * map.storedColumns, 3..<count, count - 1..<count, 4..<4] {
                #expect(try read(rounded, map.weight, range) == Array(whole[range]))
            }
        }
    }
}
