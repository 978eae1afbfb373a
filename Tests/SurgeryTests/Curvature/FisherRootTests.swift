import Checkpoints
import Surgery
import SystemPackage
import Tensors
import TestSupport
import Testing
import Transformer

@Suite struct FisherRootTests {
    private static let rho = 0.01
    private static let retain = 4

    /// F^(-1/4) as a dense matrix, through F's own eigenvectors.
    private func denseRoot(_ rows: [[Double]], lambda: Double) throws -> (matrix: [Double], count: Int) {
        let d = rows[0].count
        var fisher = [Double](repeating: 0, count: d * d)
        for row in rows.prefix(Self.retain) {
            for i in 0..<d { for j in 0..<d { fisher[i * d + j] += row[i] * row[j] / Double(Self.retain) } }
        }
        for i in 0..<d { fisher[i * d + i] += lambda }
        let (values, vectors) = try #require(LinearAlgebra.eigen(fisher, count: d))
        var root = [Double](repeating: 0, count: d * d)
        for k in 0..<d {
            let power = 1 / values[k].squareRoot().squareRoot()
            for i in 0..<d { for j in 0..<d { root[i * d + j] += power * vectors[k * d + i] * vectors[k * d + j] } }
        }
        return (root, d)
    }

    private func lambda(_ rows: [[Double]]) -> Double {
        Self.rho * rows.prefix(Self.retain).reduce(0.0) { $0 + dot($1, $1) } / Double(Self.retain * Self.retain)
    }

    /// In example space and as the dense matrix, in Double, on gradients of a pico model: 1e-6, both decompositions carrying 16 digits.
    @Test(arguments: ["model.layers.0.self_attn.k_proj.weight", "model.norm.weight"])
    func equalsTheDenseRoot(name: String) throws {
        let rows = try PicoExamples().rows(name)
        let random = CounterRandom(seed: 3, name: name)
        let z = rows[0].indices.map { random.normal($0) }
        let matrix = gram(rows)
        let root = try #require(
            FisherRoot(matrix, retain: Self.retain, products: rows.map { dot($0, z) }, dimension: z.count, rho: Self.rho))
        let (dense, d) = try denseRoot(rows, lambda: lambda(rows))
        let expected = (0..<d).map { i in (0..<d).reduce(0.0) { $0 + dense[i * d + $1] * z[$1] } }
        let along = combination(Array(rows.prefix(Self.retain)), root.coefficients)
        #expect(relativeDifference(zip(z, along).map { root.scale * $0 + $1 }, expected) < 1e-6)
        // trace(F^(-1/2)) is the squared Frobenius norm of F^(-1/4).
        #expect(abs(root.meanSquare * Double(d) / dot(dense, dense) - 1) < 1e-6)
    }

    /// The covariance of F^(-1/4) z over many z is F^(-1/2): every entry of a block of 24 within five standard errors.
    @Test func noiseHasItsCovariance() throws {
        let rows = try PicoExamples().rows("model.norm.weight")
        let (dense, d) = try denseRoot(rows, lambda: lambda(rows))
        let matrix = gram(rows)
        let count = 4000
        var sums = [Double](repeating: 0, count: d * d)
        for draw in 0..<count {
            let random = CounterRandom(seed: UInt64(draw), name: "noise")
            let z = (0..<d).map { random.normal($0) }
            let root = try #require(FisherRoot(matrix, retain: Self.retain, products: rows.map { dot($0, z) }, dimension: d, rho: Self.rho))
            let along = combination(Array(rows.prefix(Self.retain)), root.coefficients)
            let noise = zip(z, along).map { root.scale * $0 + $1 }
            for i in 0..<d { for j in 0..<d { sums[i * d + j] += noise[i] * noise[j] } }
        }
        func covariance(_ i: Int, _ j: Int) -> Double { (0..<d).reduce(0.0) { $0 + dense[i * d + $1] * dense[$1 * d + j] } }
        var worst = 0.0
        for i in 0..<d {
            for j in 0..<d {
                let error = ((covariance(i, i) * covariance(j, j) + covariance(i, j) * covariance(i, j)) / Double(count)).squareRoot()
                worst = max(worst, abs(sums[i * d + j] / Double(count) - covariance(i, j)) / error)
            }
        }
        #expect(worst < 5)
    }

    /// The whole way in the sweep: 1e-3, float32 and the cancellation of some rho^(-1/4).
    @Test(arguments: CurvatureKind.Block.allCases)
    func theSweepWritesTheSameNoise(block: CurvatureKind.Block) throws {
        let pico = try PicoExamples()
        let noise = try ParameterStore(pico.model, in: FilePath("/tmp"))
        let curvature = WoodburyCurvature(
            pico.model.checkpoint, retain: Array(pico.examples[..<Self.retain]), block: block, rho: Self.rho)
        var sweep = try pico.sweep(0..<Self.retain, Self.retain..<6)
        try curvature.noise(Noise(tau: 0.02, seed: 7), &sweep, from: pico.model.checkpoint, into: noise)
        for names in pico.blocks(block) {
            let rows = (0..<6).map { example in names.flatMap { (pico.gradients[example][$0] ?? []).map(Double.init) } }
            let z = names.flatMap { name -> [Double] in
                let random = CounterRandom(seed: 7, name: name)
                return (0..<(pico.gradients[0][name] ?? []).count).map { random.normal($0) }
            }
            let root = try #require(
                FisherRoot(gram(rows), retain: Self.retain, products: rows.map { dot($0, z) }, dimension: z.count, rho: Self.rho))
            let along = combination(Array(rows.prefix(Self.retain)), root.coefficients)
            let unscaled = zip(z, along).map { root.scale * $0 + $1 }
            let weights = try names.flatMap { try pico.model.checkpoint.floats($0).map(Double.init) }
            let size = 0.02 * (dot(weights, weights) / Double(z.count) / root.meanSquare).squareRoot()
            let found = try names.flatMap { try pico.read(noise, $0) }
            #expect(relativeDifference(found, unscaled.map { size * $0 }) < 1e-3, "\(names)")
        }
    }

    @Test func vanishingGradientsGiveNoNoise() {
        #expect(FisherRoot(GramMatrix(count: 3), retain: 2, products: [0, 0, 0], dimension: 5, rho: 0.01) == nil)
    }
}
