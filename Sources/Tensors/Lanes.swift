/// Eight neighbouring elements at once.
///
/// The order of additions is fixed by the span's length, so results do not depend on anything else.
@usableFromInline
package typealias Lanes = SIMD8<Float>

extension Span<Float> {
    /// The eight elements from `index` on.
    @inlinable
    @inline(__always)
    package func lanes(_ index: Int) -> Lanes {
        precondition(index >= 0 && index &+ 8 <= count)
        return unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: index &* 4, as: Lanes.self)
    }
}

extension Lanes {
    /// The absolute values: without the bits of the signs.
    @inlinable
    @inline(__always)
    package var magnitudes: Lanes {
        let bits = unsafe unsafeBitCast(self, to: SIMD8<UInt32>.self) & 0x7FFF_FFFF
        return unsafe unsafeBitCast(bits, to: Lanes.self)
    }
}
