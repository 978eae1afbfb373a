import Checkpoints
import Surgery
import SystemPackage
import Tensors
import TestSupport
import Testing
import Transformer

/// The curvatures that are made once, the whole way through sweeps and scratch files, against dense ones in Double. A retain set of
/// four examples, all six as rows.
@Suite struct StoredCurvatureTests {
    private static let rho = 0.01
    private static let retain = 0..<4
    private static let scratch = FilePath("/tmp")
    /// Blocks that divide rows, that do not, and that are larger than some parameters.
    private static let kinds: [CurvatureKind] = [.identity, .diagonal, .ekfac, .block(50), .block(8), .block(1)]

    /// F as it is made for an edit, in sweeps of at most so many rows of gradient factors at a time.
    private func made(
        _ pico: PicoExamples, _ kind: CurvatureKind, retain: [Example], chunkRows: Int = Int.max,
        largestSide: Int = KroneckerBases.largestSide,
        rowsPerMicroBatch: Int = TokenBatch.largestMicroBatch
    ) throws -> (fisher: any StoredFisher, bases: KroneckerBases?) {
        let batch = TokenBatch(retain, rowsPerMicroBatch: rowsPerMicroBatch)
        var sweep = try LayerSweep(pico.model, batch, plan: SweepPlan(inMemory: .inputs, chunkRows: chunkRows))
        _ = try sweep.scoreKeeping(from: pico.model.checkpoint)
        let names = pico.model.layout.parameters
        if case .block(let size) = kind {
            let fisher = try BlockFisher(pico.model, names, examples: retain.count, size: size, rho: Self.rho, scratch: Self.scratch)
            try sweep.backward(from: pico.model.checkpoint, tap: fisher)
            try fisher.factor()
            return (fisher, nil)
        }
        if kind == .identity {
            let fisher = try IdentityFisher(pico.model, names, examples: retain.count, scratch: Self.scratch)
            try sweep.backward(from: pico.model.checkpoint, tap: fisher)
            return (fisher, nil)
        }
        var bases: KroneckerBases?
        if kind == .ekfac {
            let found = try KroneckerBases(pico.model, names, largestSide: largestSide, scratch: Self.scratch)
            try sweep.backward(from: pico.model.checkpoint, tap: found)
            try found.diagonalize()
            bases = found
        }
        let fisher = try DiagonalFisher(
            pico.model, names, examples: retain.count, rho: Self.rho, bases: bases, scratch: Self.scratch)
        try sweep.backward(from: pico.model.checkpoint, tap: fisher)
        return (fisher, bases)
    }

    private func curvature(_ pico: PicoExamples, _ fisher: any StoredFisher) -> StoredCurvature {
        StoredCurvature(fisher, of: pico.model.checkpoint, parameters: pico.model.layout.parameters)
    }

    /// A F^-1 A^T, F^-1 A^T c and its effects: 1e-4 for entries one by one, 1e-3 in blocks: float32's 1e-7 times the root of a
    /// block's condition, which is up to 1e6, and the gradients' own rounding.
    @Test(arguments: ["llama-tied-gqa", "gpt2-full-context"], kinds)
    func gramAndStepEqualTheDenseOnes(name: String, kind: CurvatureKind) throws { try compare(name, kind) }

    /// Sides that are too large keep their own axes: outputs, inputs, or both.
    @Test(arguments: [1, 24, 40])
    func largeSidesKeepTheirAxes(largestSide: Int) throws { try compare("llama-tied-gqa", .ekfac, largestSide: largestSide) }

    private func compare(_ name: String, _ kind: CurvatureKind, largestSide: Int = KroneckerBases.largestSide) throws {
        let pico = try PicoExamples(name)
        let (fisher, bases) = try made(pico, kind, retain: Array(pico.examples[Self.retain]), largestSide: largestSide)
        let dense = DenseFisher(pico, kind, Self.retain, rho: Self.rho, bases: bases)
        let curvature = curvature(pico, fisher)
        var sweep = try pico.sweep(0..<0, 0..<6)
        let metric = try curvature.gram(&sweep, from: pico.model.checkpoint)
        let step = try ParameterStore(pico.model, in: Self.scratch)
        let coefficients = [0.5, -1, 0.25, 0, 2, -0.125]
        let retainChange = try curvature.step(coefficients, &sweep, from: pico.model.checkpoint, into: step)

        let tolerance = kind.block == nil ? 1e-4 : 1e-3
        var expected = [Double](repeating: 0, count: 36)
        var (change, size) = (0.0, 0.0)
        for parameter in pico.model.layout.parameters {
            let rows = pico.rows(parameter)
            let products = try rows.map { try dense.power(-1, parameter, $0).vector }
            for i in 0..<6 { for j in 0..<6 { expected[i * 6 + j] += dot(products[i], rows[j]) } }
            let wanted = combination(products, coefficients)
            // GPT-2's key bias has no gradient but rounding's: softmax does not see a shift.
            if dot(rows[0], rows[0]) > 1e-10 {
                #expect(relativeDifference(try pico.read(step, parameter), wanted) < tolerance, "\(parameter)")
            }
            let along = rows[Self.retain].map { dot($0, wanted) }
            change += mean(along)
            size += along.reduce(0) { $0 + abs($1) } / 4
        }
        #expect(relativeDifference(metric.values, expected) < tolerance)
        #expect(abs(retainChange - change) < tolerance * size)
    }

    /// tau F^(-1/4) z, parameter by parameter, by the same dense matrices: 1e-4, roots are better conditioned than inverses.
    @Test(arguments: kinds)
    func noiseEqualsTheDenseOne(kind: CurvatureKind) throws {
        let pico = try PicoExamples()
        let (fisher, bases) = try made(pico, kind, retain: Array(pico.examples[Self.retain]))
        let dense = DenseFisher(pico, kind, Self.retain, rho: Self.rho, bases: bases)
        let noise = try ParameterStore(pico.model, in: Self.scratch)
        var sweep = try pico.sweep(0..<0, 0..<1)
        try curvature(pico, fisher).noise(Noise(tau: 0.02, seed: 7), &sweep, from: pico.model.checkpoint, into: noise)
        for parameter in pico.model.layout.parameters {
            let random = CounterRandom(seed: 7, name: parameter)
            let weights = try pico.model.checkpoint.floats(parameter).map(Double.init)
            let (root, trace) = try dense.power(-0.25, parameter, weights.indices.map { random.normal($0) })
            let size = 0.02 * (dot(weights, weights) / trace).squareRoot()
            #expect(relativeDifference(try pico.read(noise, parameter), root.map { size * $0 }) < 1e-4, "\(parameter)")
        }
    }

    /// The bases are orthogonal, and the Kronecker factors' second moments are diagonal in them: 1e-4 of their traces.
    @Test func basesDiagonalizeTheMoments() throws {
        let pico = try PicoExamples()
        let bases = try #require(try made(pico, .ekfac, retain: pico.examples).bases)
        let moments = TokenMoments()
        try pico.backward(moments)
        var found = 0
        for parameter in pico.model.layout.parameters {
            guard let basis = try bases.basis(of: parameter), let sides = moments.sums[parameter] else { continue }
            found += 1
            for (vectors, sums) in [(basis.leftVectors, sides.left), (basis.rightVectors, sides.right)] {
                let count = sums.count
                let trace = (0..<count).reduce(0.0) { $0 + sums[$1][$1] }
                var worst = (orthogonal: 0.0, diagonal: 0.0)
                for i in 0..<count {
                    let vector = Array(vectors[i * count..<(i + 1) * count])
                    let product = sums.map { dot($0, vector) }
                    for j in 0..<count {
                        let other = Array(vectors[j * count..<(j + 1) * count])
                        worst.orthogonal = max(worst.orthogonal, abs(dot(vector, other) - (i == j ? 1 : 0)))
                        if i != j { worst.diagonal = max(worst.diagonal, abs(dot(other, product)) / trace) }
                    }
                }
                #expect(worst.orthogonal < 1e-5 && worst.diagonal < 1e-4, "\(parameter)")
            }
        }
        #expect(found == pico.model.layout.layers.flatMap(\.linears).count)
    }

    /// Every example ten times makes the same F and mean gradient as once: sixty examples are not added up all at once. 1e-4 for the rounding
    /// of ten times as many sums.
    @Test(arguments: [CurvatureKind.identity, .diagonal, .ekfac, .block(50)])
    func manyExamplesAddUp(kind: CurvatureKind) throws {
        let pico = try PicoExamples()
        var found: [(gram: [Double], mean: [[Double]])] = []
        for times in [1, 10] {
            let fisher = try made(pico, kind, retain: [[Example]](repeating: pico.examples, count: times).flatMap { $0 }).fisher
            var sweep = try pico.sweep(0..<0, 0..<6)
            let gram = try curvature(pico, fisher).gram(&sweep, from: pico.model.checkpoint).values
            found.append((gram, try pico.model.layout.parameters.map { try pico.read(fisher.meanGradient, $0) }))
        }
        #expect(relativeDifference(found[1].gram, found[0].gram) < 1e-4)
        // In a basis of its own a parameter's mean gradient has the signs of its eigenvectors.
        for (many, once) in zip(found[1].mean, found[0].mean) where kind != .ekfac { #expect(relativeDifference(many, once) < 1e-4) }
    }

    /// Examples in several chunks make the same bits.
    @Test(arguments: [CurvatureKind.diagonal, .ekfac, .block(50)])
    func chunksAddUp(kind: CurvatureKind) throws {
        let pico = try PicoExamples()
        let long = Example(
            windows: (0..<3).map { _ in Window(inputs: [Int32](repeating: 3, count: 30), targets: [Int32](repeating: 4, count: 30)) })
        let retain = [Example](repeating: long, count: 60) + pico.examples
        #expect(TokenBatch(retain).chunks(ofRows: 1).count > 1)
        var steps: [[[Double]]] = []
        for chunkRows in [1, Int.max] {
            let fisher = try made(pico, kind, retain: retain, chunkRows: chunkRows).fisher
            let step = try ParameterStore(pico.model, in: Self.scratch)
            var sweep = try pico.sweep(0..<0, 0..<2)
            _ = try curvature(pico, fisher).step([1, -1], &sweep, from: pico.model.checkpoint, into: step)
            steps.append(
                try pico.model.layout.parameters.map { try pico.read(step, $0) }
                    + pico.model.layout.parameters.map { try pico.read(fisher.meanGradient, $0) })
        }
        #expect(steps[0] == steps[1])
    }

    /// Micro-batches of other sizes, the retain examples' and the rows': 1e-5, products of other shapes round differently.
    @Test(arguments: [CurvatureKind.diagonal, .ekfac, .block(50), .woodbury(.parameter), .woodbury(.layer), .woodbury(.model)])
    func microBatchesDoNotMatter(kind: CurvatureKind) throws {
        let pico = try PicoExamples()
        let retain = Array(pico.examples[Self.retain])
        let grams = try [16, TokenBatch.largestMicroBatch].map { size in
            if case .woodbury(let block) = kind {
                var sweep = try pico.sweep(Self.retain, 4..<6, rowsPerMicroBatch: size)
                let curvature = WoodburyCurvature(pico.model.checkpoint, retain: retain, block: block, rho: Self.rho)
                return try curvature.gram(&sweep, from: pico.model.checkpoint).values
            }
            let fisher = try made(pico, kind, retain: retain, rowsPerMicroBatch: size).fisher
            var sweep = try pico.sweep(0..<0, 4..<6, rowsPerMicroBatch: size)
            return try curvature(pico, fisher).gram(&sweep, from: pico.model.checkpoint).values
        }
        #expect(TokenBatch(retain, rowsPerMicroBatch: 16).microBatches.count > 1)
        #expect(relativeDifference(grams[0], grams[1]) < 1e-5)
    }
}

/// The second moments of linear maps' factors, token by token in Double.
private final class TokenMoments: GradientTap {
    let needsEveryExample = true
    var sums: [String: (left: [[Double]], right: [[Double]])] = [:]

    func visit(_ slice: ParameterSlice, _ factors: borrowing GradientFactors, examples: Range<Int>) throws {
        guard slice.columns > 1, slice.name.contains("layers.") else { return }
        sums[slice.name] = (moments(factors.left), moments(factors.right))
    }

    func finish(_ group: ParameterGroup) throws -> Bool { false }

    private func moments(_ factor: MatrixView) -> [[Double]] {
        var sums = [[Double]](repeating: [Double](repeating: 0, count: factor.columns), count: factor.columns)
        for token in 0..<factor.rows {
            let row = factor.row(token)
            for i in row.indices { for j in row.indices { sums[i][j] += Double(row[i]) * Double(row[j]) } }
        }
        return sums
    }
}
