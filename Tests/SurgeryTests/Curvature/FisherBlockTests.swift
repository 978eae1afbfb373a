import Surgery
import Tensors
import Testing

/// One dense block of the Fisher against the recursion that it replaces, all in Double, on gradients of a pico model: 1e-6, both
/// sides carrying 16 digits through conditions of up to 1e6.
@Suite struct FisherBlockTests {
    private static let name = "model.layers.0.mlp.down_proj.weight"

    /// Every example's gradient of some consecutive entries.
    private func rows(_ range: Range<Int>) throws -> [[Double]] { try PicoExamples().rows(Self.name).map { Array($0[range]) } }

    /// 1/m G^T G.
    private func products(_ rows: [[Double]]) -> [Double] {
        let size = rows[0].count
        return (0..<size * size).map { entry in
            rows.reduce(0.0) { $0 + $1[entry / size] * $1[entry % size] } / Double(rows.count)
        }
    }

    /// oBERT's inverse (Kurtic et al., arXiv 2203.07259, section 3.2.2): F_0^-1 = I / lambda, and for each of m gradients
    /// F_i^-1 = F_(i-1)^-1 - (F_(i-1)^-1 g)(F_(i-1)^-1 g)^T / (m + g^T F_(i-1)^-1 g).
    private func recursion(_ rows: [[Double]], lambda: Double) -> [Double] {
        let size = rows[0].count
        var inverse = (0..<size * size).map { $0 / size == $0 % size ? 1 / lambda : 0 }
        for g in rows {
            let product = (0..<size).map { i in (0..<size).reduce(0.0) { $0 + inverse[i * size + $1] * g[$1] } }
            let scale = 1 / (Double(rows.count) + dot(g, product))
            for entry in inverse.indices { inverse[entry] -= scale * product[entry / size] * product[entry % size] }
        }
        return inverse
    }

    @Test(arguments: [(50, 1e-2), (50, 1e-5), (7, 1e-4), (1, 1e-4)])
    func inverseEqualsTheRecursion(size: Int, rho: Double) throws {
        let rows = try rows(100..<100 + size)
        let products = products(rows)
        let lambda = rho * (0..<size).reduce(0.0) { $0 + products[$1 * size + $1] }
        let block = try #require(FisherBlock(products, size: size, damping: lambda))
        #expect(relativeDifference(block.inverse, recursion(rows, lambda: lambda)) < 1e-6)
    }

    /// Four times the fourth root is the inverse; and the trace is that of its square.
    @Test func theRootIsTheFourth() throws {
        let rows = try rows(0..<50)
        let products = products(rows)
        let block = try #require(FisherBlock(products, size: 50, damping: 1e-3 * products.reduce(0, +).magnitude))
        let z = (0..<50).map { CounterRandom(seed: 5, name: "z").normal($0) }
        var (vector, square) = (z, 0.0)
        for _ in 0..<4 { vector = try #require(block.root(of: vector)).vector }
        let inverse = block.inverse
        #expect(relativeDifference(vector, (0..<50).map { i in (0..<50).reduce(0.0) { $0 + inverse[i * 50 + $1] * z[$1] } }) < 1e-6)
        for index in 0..<50 {
            let unit = (0..<50).map { $0 == index ? 1.0 : 0 }
            let root = try #require(block.root(of: unit)).vector
            square += dot(root, root)
        }
        #expect(abs(try #require(block.root(of: z)).trace / square - 1) < 1e-9)
    }

    /// The covariance of F^(-1/4) z over many z is F^(-1/2): every entry of a block of 12 within five standard errors.
    @Test func noiseHasItsCovariance() throws {
        let rows = try rows(0..<12)
        let products = products(rows)
        let block = try #require(FisherBlock(products, size: 12, damping: 0.01 * products[0]))
        let roots = try (0..<12).map { index in try #require(block.root(of: (0..<12).map { $0 == index ? 1 : 0 })).vector }
        let count = 4000
        var sums = [Double](repeating: 0, count: 144)
        for draw in 0..<count {
            let random = CounterRandom(seed: UInt64(draw), name: "noise")
            let noise = try #require(block.root(of: (0..<12).map { random.normal($0) })).vector
            for entry in sums.indices { sums[entry] += noise[entry / 12] * noise[entry % 12] / Double(count) }
        }
        let covariance = (0..<144).map { dot(roots[$0 / 12], roots[$0 % 12]) }
        var worst = 0.0
        for entry in sums.indices {
            let (i, j) = (entry / 12, entry % 12)
            let variance = covariance[i * 13] * covariance[j * 13] + covariance[entry] * covariance[entry]
            worst = max(worst, abs(sums[entry] - covariance[entry]) / (variance / Double(count)).squareRoot())
        }
        #expect(worst < 5)
    }

    @Test func whatIsNotPositiveDefiniteHasNoInverse() {
        #expect(FisherBlock([1, 2, 2, 1], size: 2, damping: 0.5) == nil)
        #expect(FisherBlock([.nan], size: 1, damping: 0.5) == nil)
    }
}
