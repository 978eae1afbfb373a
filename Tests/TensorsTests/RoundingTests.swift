import Tensors
import Testing

struct RoundingTests {
    private func rounded(_ values: [Float], _ dtype: DType, _ rounding: Rounding, from index: Int = 0, tensor: String = "w") -> [Float]? {
        var bytes = [UInt8](repeating: 0, count: values.count * dtype.bitWidth / 8)
        var span = bytes.mutableSpan
        guard Rounder(rounding, to: dtype, tensor: tensor).encode(values.span, from: index, into: &span) else { return nil }
        var result = [Float](repeating: 0, count: values.count)
        var target = result.mutableSpan
        StoredScalar.decode(bytes.span, as: dtype, into: &target)
        return result
    }

    @Test(arguments: [DType.bf16, .f16])
    func givesOneOfTheTwoNeighbours(_ dtype: DType) throws {
        var state: UInt32 = 1
        let values = (0..<5000).map { _ -> Float in
            state = state &* 1_664_525 &+ 1_013_904_223
            // Magnitudes from F16's subnormals to its largest.
            return Float(Int32(bitPattern: state)) * 0x1p-31 * Float(sign: .plus, exponent: Int(state >> 8) % 40 - 24, significand: 1)
        }
        let nearest = try #require(rounded(values, dtype, .nearest))
        let drawn = try #require(rounded(values, dtype, .stochastic(seed: 3)))
        var moved = 0
        for (value, (near, draw)) in zip(values, zip(nearest, drawn)) {
            // Rounding to nearest is one neighbour; the other lies on the value's other side, at most one unit further.
            if near == value { #expect(draw == value) }
            let unit = max(abs(near) * (dtype == .f16 ? 0x1p-10 : 0x1p-7), dtype == .f16 ? 0x1p-24 : 0)
            #expect(abs(draw - value) < unit * 1.0001 || draw == value, "\(value) became \(draw)")
            if draw != near { moved += 1 }
        }
        #expect(moved > 500)
    }

    /// The mean of many draws is the value: within five standard errors of a draw between two neighbours.
    @Test func isUnbiased() throws {
        let value: Float = 1 + 0x1p-7 * 0.3
        let count = 20_000
        let drawn = try #require(rounded([Float](repeating: value, count: count), .bf16, .stochastic(seed: 9)))
        let above = Double(drawn.count { $0 > value }) / Double(count)
        #expect(abs(above - 0.3) < 5 * (0.3 * 0.7 / Double(count)).squareRoot())
    }

    @Test func dependsOnSeedNameAndIndexOnly() throws {
        let values = (0..<64).map { Float($0) * 0.1 + 0.033 }
        let whole = try #require(rounded(values, .bf16, .stochastic(seed: 5)))
        let parts =
            try #require(rounded(Array(values[..<20]), .bf16, .stochastic(seed: 5)))
            + #require(rounded(Array(values[20...]), .bf16, .stochastic(seed: 5), from: 20))
        #expect(whole == parts)
        #expect(rounded(values, .bf16, .stochastic(seed: 6)) != whole)
        #expect(rounded(values, .bf16, .stochastic(seed: 5), tensor: "v") != whole)
    }

    @Test(arguments: [
        (DType.f16, Float(65519), true), (.f16, 65520, false), (.f16, -1e9, false), (.bf16, 0x1.FEp127, true), (.bf16, 0x1.FFp127, false),
    ])
    func refusesWhatOverflows(_ dtype: DType, _ value: Float, _ fits: Bool) {
        for rounding in [Rounding.nearest, .stochastic(seed: 0)] {
            let result = rounded([0, value], dtype, rounding)
            #expect((result != nil) == fits)
            if fits { #expect(result?[1].isFinite == true) }
        }
    }

    @Test func keepsWhatIsNotFiniteAndSignedZeros() throws {
        let values: [Float] = [.infinity, -.infinity, 0, -0.0]
        for rounding in [Rounding.nearest, .stochastic(seed: 1)] {
            let result = try #require(rounded(values + [.nan], .f16, rounding))
            #expect(result[..<4].map(\.bitPattern) == values.map(\.bitPattern))
            #expect(result[4].isNaN)
        }
    }
}
