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
    /// systems whose condition is some 1/rho and carry 16 digits.
    @Test(arguments: ["model.layers.0.self_attn.k_proj.weight", "model.layers.1.mlp.down_proj.weight", "model.norm.weight"])
    func equalsTheDenseInverse(name: String) throws {
        let rows = try PicoExamples().rows(name)
        var matrix = GramMatrix(count: rows.count)
        matrix.add(gram(rows))
        let inverse = try #require(WoodburyInverse(matrix, retain: Self.retain, rho: Self.rho))
        let expected = try dense(rows, lambda: inverse.damping)
        #expect(relativeDifference(combination(rows, inverse.coefficients), expected) < 1e-6)
        let trace = rows.prefix(Self.retain).reduce(0.0) { $0 + dot($1, $1) }
        #expect(abs(inverse.damping - Self.rho * trace / 16) < 1e-12 * trace)
    }

    /// The whole way in the sweep, Float products and all: 1e-3, float32's 1e-7 times the cancellation of some 1/rho.
    @Test(arguments: EditRecipe.Block.allCases)
    func theSweepWritesTheSameDirection(block: EditRecipe.Block) throws {
        let pico = try PicoExamples()
        let direction = try ParameterStore(pico.model, in: FilePath("/tmp"))
        let tap = WoodburyDirection(examples: 6, retain: Self.retain, block: block, rho: Self.rho, into: direction)
        try pico.backward(tap)
        let layer = pico.model.layout.layers[1]
        let parameters = layer.norms.compactMap(\.weight) + layer.linears.map(\.weight)
        let blocks = block == .parameter ? parameters.map { [$0] } : [parameters]
        for names in blocks {
            let rows = (0..<6).map { example in names.flatMap { (pico.gradients[example][$0] ?? []).map(Double.init) } }
            var matrix = GramMatrix(count: 6)
            matrix.add(gram(rows))
            let expected = combination(rows, try #require(WoodburyInverse(matrix, retain: Self.retain, rho: Self.rho)).coefficients)
            let found = try names.flatMap { try pico.read(direction, $0) }
            #expect(relativeDifference(found, expected) < 1e-3, "\(names)")
        }
    }

    /// What the first-order effect says a small step does is what it does: within 3 %, the rest is curvature and rounding.
    @Test func predictedEffectIsMeasured() throws {
        let pico = try PicoExamples()
        let direction = try ParameterStore(pico.model, in: FilePath("/tmp"))
        let tap = WoodburyDirection(examples: 6, retain: Self.retain, block: .layer, rho: Self.rho, into: direction)
        try pico.backward(tap)
        let scale = 0.02 / tap.effect[5]
        let moved = EditedWeights(pico.model.checkpoint, sum: nil, step: direction, scale: Float(scale))
        var sweep = try LayerSweep(pico.model, pico.batch, plan: .forward)
        let after = try sweep.score(from: moved).meanLosses(pico.batch)
        #expect(abs(after[5] - pico.losses[5] - 0.02) < 0.0006)
    }

    @Test func vanishingGradientsAllowNoStep() {
        #expect(WoodburyInverse(GramMatrix(count: 3), retain: 2, rho: 0.01) == nil)
    }
}

extension PicoExamples {
    /// A parameter's numbers in a store.
    func read(_ store: ParameterStore, _ name: String) throws -> [Double] {
        var values = [Float](repeating: 0, count: model.checkpoint.tensor(named: name)?.elementCount ?? 0)
        var span = values.mutableSpan
        try store.read(name, from: 0, into: &span)
        return values.map(Double.init)
    }
}
