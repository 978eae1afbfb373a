/// Eight neighbouring elements at once.
///
/// The order of additions is fixed by the span's length, so results do not depend on anything else.
typealias Lanes = SIMD8<Float>

extension Span<Float> {
    @inline(__always)
    func lanes(_ index: Int) -> Lanes {
        precondition(index >= 0 && index &+ 8 <= count)
        return unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: index &* 4, as: Lanes.self)
    }
}

extension Lanes {
    /// The absolute values: without the bits of the signs.
    @inline(__always)
    var magnitudes: Lanes {
        let bits = unsafe unsafeBitCast(self, to: SIMD8<UInt32>.self) & 0x7FFF_FFFF
        return unsafe unsafeBitCast(bits, to: Lanes.self)
    }
}

extension Span<UInt8> {
    /// Hands over the integers that stand in both, in a loop without a branch that the compiler can make vector code of.
    @inline(__always)
    func forEachPair<Integer: FixedWidthInteger & BitwiseCopyable>(
        with other: Span<UInt8>, as type: Integer.Type, _ body: (Integer, Integer) -> Void
    ) {
        let width = MemoryLayout<Integer>.size
        precondition(other.count == count && count.isMultiple(of: width))
        let pairs = count / width
        var index = 0
        while index < pairs {
            let a = unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: index &* width, as: type)
            let b = unsafe other.bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: index &* width, as: type)
            body(a, b)
            index &+= 1
        }
    }
}
