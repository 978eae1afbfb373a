import Checkpoints
import Surgery
import SystemPackage
import Tensors
import TestSupport
import Testing
import Transformer

@Suite struct WoodburyInverseTests {
    private static let rho = 0.01
    private static let retain = 4

    /// F = lambda I + 1/m G^T G as a dense matrix, and the dense solution of F x = v.
    private func dense(_ rows: [[Double]], lambda: Double) throws -> [Double] {
        let (m, d) = (Self.retain, rows[0].count)
        var fisher = [Double](repeating: 0, count: d * d)
        for row in rows.prefix(m) {
            for i in 0..<d where row[i] != 0 { for j in 0..<d { fisher[i * d + j] += row[i] * row[j] / Double(m) } }
        }
        for i in 0..<d { fisher[i * d + i] += lambda }
        let forget = rows.dropFirst(m)
        let mean = combination(Array(forget), forget.map { _ in 1 / Double(forget.count) })
        return try #require(LinearAlgebra.solve(fisher, mean))
    }

    /// The same F^-1 v in example space, all in Double, on gradients of a real (pico) model: 1e-6, since both sides solve
    /// systems whose condition is some 1/rho and carry 16 digits. The metric is the rows' inner products with it.
    @Test(arguments: ["model.layers.0.self_attn.k_proj.weight", "model.layers.1.mlp.down_proj.weight", "model.norm.weight"])
    func equalsTheDenseInverse(name: String) throws {
        let rows = try PicoExamples().rows(name)
        let inverse = try #require(WoodburyInverse(gram(rows), retain: Self.retain, rho: Self.rho))
        let expected = try dense(rows, lambda: inverse.damping)
        #expect(relativeDifference(combination(rows, inverse.coefficients([0.5, 0.5])), expected) < 1e-6)
        #expect(relativeDifference(inverse.retainChanges([0.5, 0.5]), rows.prefix(Self.retain).map { dot($0, expected) }) < 1e-6)
        let metric = inverse.metric
        let found: [Double] = [(metric[0] + metric[1]) / 2, (metric[2] + metric[3]) / 2]
        #expect(relativeDifference(found, rows.dropFirst(Self.retain).map { dot($0, expected) }) < 1e-6)
        let trace = rows.prefix(Self.retain).reduce(0.0) { $0 + dot($1, $1) }
        #expect(abs(inverse.damping - Self.rho * trace / 16) < 1e-12 * trace)
    }

    /// The whole way in the sweeps, Float products and all: 1e-3, float32's 1e-7 times the cancellation of some 1/rho.
    @Test(arguments: CurvatureKind.Block.allCases)
    func theSweepWritesTheSameDirection(block: CurvatureKind.Block) throws {
        let pico = try PicoExamples()
        let curvature = WoodburyCurvature(
            pico.model.checkpoint, retain: Array(pico.examples[..<Self.retain]), block: block, rho: Self.rho)
        var sweep = try pico.sweep(0..<Self.retain, Self.retain..<6)
        let step = try ParameterStore(pico.model, in: FilePath("/tmp"))
        let c = [0.75, -0.25]
        let metric = try curvature.gram(&sweep, from: pico.model.checkpoint)
        let retainChange = try curvature.step(c, &sweep, from: pico.model.checkpoint, into: step)

        var expectedMetric = [Double](repeating: 0, count: 4)
        var onRetain = 0.0
        for names in pico.blocks(block) {
            let rows = (0..<6).map { example in names.flatMap { (pico.gradients[example][$0] ?? []).map(Double.init) } }
            guard let inverse = WoodburyInverse(gram(rows), retain: Self.retain, rho: Self.rho) else { continue }
            let expected = combination(rows, inverse.coefficients(c))
            let found = try names.flatMap { try pico.read(step, $0) }
            #expect(relativeDifference(found, expected) < 1e-3, "\(names)")
            for index in 0..<4 { expectedMetric[index] += inverse.metric[index] }
            onRetain += mean(inverse.retainChanges(c))
        }
        #expect(relativeDifference(metric.values, expectedMetric) < 1e-3)
        #expect(abs(retainChange - onRetain) < 1e-3 * abs(onRetain))
    }

    /// What the first-order effect says a small step does is what it does: within 3 %, the rest is curvature and rounding.
    @Test func predictedEffectIsMeasured() throws {
        let pico = try PicoExamples()
        let direction = try ParameterStore(pico.model, in: FilePath("/tmp"))
        let curvature = WoodburyCurvature(
            pico.model.checkpoint, retain: Array(pico.examples[..<5]), block: .layer, rho: Self.rho)
        var sweep = try pico.sweep(0..<5, 5..<6)
        let scale = 0.02 / (try curvature.gram(&sweep, from: pico.model.checkpoint)).times([1])[0]
        _ = try curvature.step([1], &sweep, from: pico.model.checkpoint, into: direction)
        let moved = EditedWeights(pico.model.checkpoint, sum: nil, step: direction, scale: Float(scale))
        let after = try sweep.score(from: moved).rows
        #expect(abs(after[0] - pico.losses[5] - 0.02) < 0.0006)
    }

    @Test func vanishingGradientsAllowNoStep() {
        #expect(WoodburyInverse(GramMatrix(count: 3), retain: 2, rho: 0.01) == nil)
    }
}

func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

extension PicoExamples {
    /// The model's parameters as they share Gram matrices: layers, and what is passed outside of them group by group.
    func blocks(_ block: CurvatureKind.Block) -> [[String]] {
        let layout = model.layout
        switch block {
        case .parameter: return layout.parameters.map { [$0] }
        case .model: return [layout.parameters]
        case .layer:
            let layers = layout.layers.map { layer in
                layer.norms.flatMap { [$0.weight, $0.bias] }.compactMap { $0 }
                    + layer.linears.flatMap { [$0.weight, $0.bias] }.compactMap { $0 }
            }
            let inLayers = Set(layers.joined())
            return layers + layout.parameters.filter { !inLayers.contains($0) }.map { [$0] }
        }
    }

    /// A parameter's numbers in a store.
    func read(_ store: ParameterStore, _ name: String) throws -> [Double] {
        var values = [Float](repeating: 0, count: model.checkpoint.tensor(named: name)?.elementCount ?? 0)
        var span = values.mutableSpan
        try store.read(name, from: 0, into: &span)
        return values.map(Double.init)
    }
}
