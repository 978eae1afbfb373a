import Tensors
import Testing

/// Conversions of stored numbers: every pattern of 16 bits against the value that the format's definition gives it.
///
/// Long arrays are compared before `#expect` sees them: it would search for the shortest list of differences, for hours.
@Suite struct StoredScalarTests {
    /// A 16-bit format: a sign, an exponent and `fractionBits` of fraction.
    struct Format: Sendable, CustomTestStringConvertible {
        let dtype: DType
        let fractionBits: Int

        static let all = [Format(dtype: .f16, fractionBits: 10), Format(dtype: .bf16, fractionBits: 7)]

        var testDescription: String { dtype.rawValue }
        var largestExponent: Int { 1 << (15 - fractionBits) - 1 }
        var infinity: UInt16 { UInt16(largestExponent << fractionBits) }

        func value(_ pattern: UInt16) -> Double {
            let magnitude = Int(pattern & 0x7FFF)
            let (exponent, fraction) = (magnitude >> fractionBits, magnitude % (1 << fractionBits))
            let sign: FloatingPointSign = pattern > 0x7FFF ? .minus : .plus
            if exponent == largestExponent { return fraction > 0 ? .nan : sign == .minus ? -.infinity : .infinity }
            let significand = exponent == 0 ? fraction : fraction + 1 << fractionBits
            // The bias is half the largest exponent; subnormals have the exponent of the smallest normal numbers.
            let power = max(exponent, 1) - largestExponent / 2 - fractionBits
            return Double(sign: sign, exponent: power, significand: Double(significand))
        }
    }

    @Test(arguments: Format.all)
    func everyPatternIsDecoded(format: Format) {
        let patterns = Array(UInt16.min...UInt16.max)
        let wrong = zip(patterns, decode(patterns, as: format.dtype)).filter { pattern, found in
            let expected = format.value(pattern)
            return expected.isNaN ? !found.isNaN : Double(found) != expected || found.sign != expected.sign
        }
        #expect(wrong.isEmpty)
    }

    @Test(arguments: Format.all)
    func everyNumberIsEncodedAsItsPattern(format: Format) {
        let patterns = (UInt16.min...UInt16.max).filter { !format.value($0).isNaN }
        let areKept = encode(patterns.map { Float(format.value($0)) }, as: format.dtype) == patterns
        #expect(areKept)
    }

    /// Between any two neighbours, subnormal or not: half-way goes to the even pattern, all else to the nearer one. Above
    /// the largest number the neighbour is infinity, which rounding takes for the next power of two.
    @Test(arguments: Format.all, [FloatingPointSign.plus, .minus])
    func numbersInBetweenGoToTheNearestEven(format: Format, sign: FloatingPointSign) {
        let patterns = Array(0..<format.infinity)
        let halfway = patterns.map { pattern in
            let step =
                pattern + 1 < format.infinity
                ? format.value(pattern + 1) - format.value(pattern) : format.value(pattern) - format.value(pattern - 1)
            return Float(format.value(pattern) + step / 2)
        }
        func found(_ values: [Float]) -> [UInt16] {
            encode(values.map { sign == .minus ? -$0 : $0 }, as: format.dtype).map { sign == .minus ? $0 & 0x7FFF : $0 }
        }
        let areTiesEven = found(halfway) == patterns.map { $0 + $0 % 2 }
        let goDown = found(halfway.map(\.nextDown)) == patterns
        let goUp = found(halfway.map(\.nextUp)) == patterns.map { $0 + 1 }
        #expect(areTiesEven && goDown && goUp, "\(areTiesEven) \(goDown) \(goUp)")
    }

    @Test(arguments: Format.all)
    func whatIsTooLargeBecomesInfinity(format: Format) {
        let large: [Float] = [.greatestFiniteMagnitude, .infinity, -.greatestFiniteMagnitude, -.infinity]
        #expect(encode(large, as: format.dtype) == [format.infinity, format.infinity, format.infinity | 0x8000, format.infinity | 0x8000])
    }

    /// Also where the payload has no bit in the half that is kept.
    @Test(arguments: Format.all)
    func nanStaysNaN(format: Format) {
        let patterns: [UInt32] = [0x7F80_0001, 0x7FC0_0000, 0x7FFF_FFFF, 0xFF80_0001, 0xFFFF_FFFF]
        #expect(encode(patterns.map { Float(bitPattern: $0) }, as: format.dtype).allSatisfy { format.value($0).isNaN })
    }

    @Test func floatsAreKeptToTheBit() {
        let patterns: [UInt32] = [0, 0x8000_0000, 1, 0x3F80_0001, 0x7F7F_FFFF, 0x7F80_0000, 0x7FC0_1234, 0xDEAD_BEEF]
        let values = patterns.map { Float(bitPattern: $0) }
        #expect(decode(patterns, as: .f32).map(\.bitPattern) == patterns)
        var bytes = [UInt8](repeating: 0, count: 4 * values.count)
        var span = bytes.mutableSpan
        StoredScalar.encode(values.span, as: .f32, into: &span)
        #expect(bytes == patterns.flatMap { pattern in (0..<4).map { UInt8(truncatingIfNeeded: pattern >> (8 * $0)) } })
    }

    @Test(arguments: [DType.f32, .f16, .bf16])
    func roundingGivesWhatIsReadBack(dtype: DType) {
        let values = noise(1000, seed: 1) + noise(1000, seed: 2).map { $0 * 1e-6 } + [1e30, -1e30, 0, .infinity]
        var rounded = values
        var span = rounded.mutableSpan
        StoredScalar.round(&span, to: dtype)
        #expect(rounded == (dtype == .f32 ? values : decode(encode(values, as: dtype), as: dtype)))
    }

    private func decode(_ patterns: [some BitwiseCopyable], as dtype: DType) -> [Float] {
        var values = [Float](repeating: 0, count: patterns.count)
        var span = values.mutableSpan
        let bytes = unsafe patterns.withUnsafeBytes { unsafe Array($0) }
        StoredScalar.decode(bytes.span, as: dtype, into: &span)
        return values
    }

    private func encode(_ values: [Float], as dtype: DType) -> [UInt16] {
        var bytes = [UInt8](repeating: 0, count: 2 * values.count)
        var span = bytes.mutableSpan
        StoredScalar.encode(values.span, as: dtype, into: &span)
        return values.indices.map { UInt16(bytes[2 * $0]) | UInt16(bytes[2 * $0 + 1]) << 8 }
    }
}
