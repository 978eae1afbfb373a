internal import Tensors

/// The values of stored blocks. One function a type decodes one block; the arithmetic is that of the reference
/// implementation, operation by operation, so that every Float comes out the same.
extension GGMLType {
    /// The elements of whole blocks. `bytes` must be as many as `destination.count` elements take.
    package func decode(_ bytes: Span<UInt8>, into destination: inout MutableSpan<Float>) {
        precondition(destination.count % blockCount == 0 && bytes.count == destination.count / blockCount * blockByteCount)
        switch self {
        case .f32: StoredScalar.decode(bytes, as: .f32, into: &destination)
        case .f16: StoredScalar.decode(bytes, as: .f16, into: &destination)
        case .bf16: StoredScalar.decode(bytes, as: .bf16, into: &destination)
        case .q4_0: forEachBlock(of: bytes, &destination, Self.q4_0)
        case .q4_1: forEachBlock(of: bytes, &destination, Self.q4_1)
        case .q5_0: forEachBlock(of: bytes, &destination, Self.q5_0)
        case .q5_1: forEachBlock(of: bytes, &destination, Self.q5_1)
        case .q8_0: forEachBlock(of: bytes, &destination, Self.q8_0)
        case .q4_K: forEachBlock(of: bytes, &destination, Self.q4_K)
        case .q5_K: forEachBlock(of: bytes, &destination, Self.q5_K)
        case .q6_K: forEachBlock(of: bytes, &destination, Self.q6_K)
        }
    }

    @inline(__always)
    private func forEachBlock(
        of bytes: Span<UInt8>, _ destination: inout MutableSpan<Float>, _ decode: (Span<UInt8>, inout MutableSpan<Float>) -> Void
    ) {
        for block in 0..<destination.count / blockCount {
            var elements = destination._mutatingExtracting(block * blockCount..<(block + 1) * blockCount)
            decode(bytes.extracting(block * blockByteCount..<(block + 1) * blockByteCount), &elements)
        }
    }

    @inline(__always)
    private static func half(_ block: Span<UInt8>, at offset: Int) -> Float {
        StoredScalar.half(UInt16(block[offset]) | UInt16(block[offset + 1]) << 8)
    }

    // MARK: Blocks of 32

    /// scale, 32 signed bytes
    private static func q8_0(_ block: Span<UInt8>, _ elements: inout MutableSpan<Float>) {
        let scale = half(block, at: 0)
        for index in 0..<32 { elements[index] = Float(Int8(bitPattern: block[2 + index])) * scale }
    }

    /// scale, 32 nibbles: the low ones are the first half of the block
    private static func q4_0(_ block: Span<UInt8>, _ elements: inout MutableSpan<Float>) {
        let scale = half(block, at: 0)
        for index in 0..<16 {
            let pair = block[2 + index]
            elements[index] = scale * Float(Int(pair & 15) - 8)
            elements[16 + index] = scale * Float(Int(pair >> 4) - 8)
        }
    }

    /// scale, minimum, 32 nibbles
    private static func q4_1(_ block: Span<UInt8>, _ elements: inout MutableSpan<Float>) {
        let scale = half(block, at: 0), minimum = half(block, at: 2)
        for index in 0..<16 {
            let pair = block[4 + index]
            elements[index] = scale * Float(pair & 15) + minimum
            elements[16 + index] = scale * Float(pair >> 4) + minimum
        }
    }

    /// The 5-bit numbers of 32 fifth bits at `offset` and 32 nibbles behind them: those at `index` and 16 places on.
    @inline(__always)
    private static func fives(_ block: Span<UInt8>, at offset: Int, _ index: Int) -> (UInt8, UInt8) {
        let pair = block[offset + 4 + index]
        let low = block[offset + index / 8] >> UInt8(index % 8) & 1
        let high = block[offset + 2 + index / 8] >> UInt8(index % 8) & 1
        return (pair & 15 | low << 4, pair >> 4 | high << 4)
    }

    /// scale, 32 fifth bits, 32 nibbles
    private static func q5_0(_ block: Span<UInt8>, _ elements: inout MutableSpan<Float>) {
        let scale = half(block, at: 0)
        for index in 0..<16 {
            let (first, second) = fives(block, at: 2, index)
            elements[index] = scale * Float(Int(first) - 16)
            elements[16 + index] = scale * Float(Int(second) - 16)
        }
    }

    /// scale, minimum, 32 fifth bits, 32 nibbles
    private static func q5_1(_ block: Span<UInt8>, _ elements: inout MutableSpan<Float>) {
        let scale = half(block, at: 0), minimum = half(block, at: 2)
        for index in 0..<16 {
            let (first, second) = fives(block, at: 4, index)
            elements[index] = scale * Float(first) + minimum
            elements[16 + index] = scale * Float(second) + minimum
        }
    }

    // MARK: Blocks of 256

    /// Of a block of eight groups, the scale and minimum of one: six bits each, packed into 12 bytes at 4.
    @inline(__always)
    private static func scales(_ block: Span<UInt8>, _ group: Int) -> (scale: Float, minimum: Float) {
        let a = block[4 + group % 4], b = block[8 + group % 4], c = block[12 + group % 4]
        let scale = group < 4 ? a & 63 : c & 15 | a >> 2 & 48
        let minimum = group < 4 ? b & 63 : c >> 4 | b >> 2 & 48
        return (half(block, at: 0) * Float(scale), half(block, at: 2) * Float(minimum))
    }

    /// scale of scales, scale of minima, packed scales and minima, 256 nibbles: 32 bytes hold two groups
    private static func q4_K(_ block: Span<UInt8>, _ elements: inout MutableSpan<Float>) {
        for group in 0..<8 {
            let (scale, minimum) = scales(block, group)
            let shift = UInt8(4 * (group % 2))
            for index in 0..<32 {
                let nibble = block[16 + 32 * (group / 2) + index] >> shift & 15
                elements[32 * group + index] = scale * Float(nibble) - minimum
            }
        }
    }

    /// as q4_K, with 32 bytes of fifth bits before the nibbles: bit `group` of each
    private static func q5_K(_ block: Span<UInt8>, _ elements: inout MutableSpan<Float>) {
        for group in 0..<8 {
            let (scale, minimum) = scales(block, group)
            let shift = UInt8(4 * (group % 2))
            for index in 0..<32 {
                let nibble = block[48 + 32 * (group / 2) + index] >> shift & 15
                let fifth = block[16 + index] >> UInt8(group) & 1
                elements[32 * group + index] = scale * Float(nibble | fifth << 4) - minimum
            }
        }
    }

    /// 256 nibbles, 256 pairs of upper bits, 16 signed scales, scale of scales
    private static func q6_K(_ block: Span<UInt8>, _ elements: inout MutableSpan<Float>) {
        let unit = half(block, at: 208)
        for group in 0..<16 {
            let scale = unit * Float(Int8(bitPattern: block[192 + group]))
            // Each half of the block is four runs of 32: the lower nibbles of 64 bytes, then their upper nibbles.
            let side = group / 8, run = group % 8 / 2
            for index in 16 * (group % 2)..<16 * (group % 2) + 16 {
                let nibble = block[64 * side + 32 * (run % 2) + index] >> UInt8(4 * (run / 2)) & 15
                let upper = block[128 + 32 * side + index] >> UInt8(2 * run) & 3
                elements[128 * side + 32 * run + index] = scale * Float(Int(nibble | upper << 4) - 32)
            }
        }
    }
}
