/// Conversions between stored elements (F32, F16, BF16; little-endian) and Float, the type of all computation.
package enum StoredScalar {
    /// The value of every stored element. `bytes` must be as many as `destination.count` elements take.
    package static func decode(_ bytes: Span<UInt8>, as dtype: DType, into destination: inout MutableSpan<Float>) {
        precondition(bytes.count * 8 == destination.count * dtype.bitWidth)
        let bytes = unsafe bytes.bytes
        switch dtype {
        case .f32:
            for index in destination.indices {
                destination[index] = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: index &* 4, as: Float.self)
            }
        case .bf16:
            for index in destination.indices {
                let stored = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: index &* 2, as: UInt16.self)
                destination[index] = Float(bitPattern: UInt32(stored) &<< 16)
            }
        case .f16:
            for index in destination.indices {
                destination[index] = half(unsafe bytes.unsafeLoadUnaligned(fromByteOffset: index &* 2, as: UInt16.self))
            }
        default: preconditionFailure("\(dtype.rawValue) is not computed with")
        }
    }

    /// Every value rounded to the nearest stored element, ties to even.
    package static func encode(_ values: Span<Float>, as dtype: DType, into bytes: inout MutableSpan<UInt8>) {
        precondition(bytes.count * 8 == values.count * dtype.bitWidth)
        var bytes = unsafe bytes.mutableBytes
        switch dtype {
        case .f32: for index in values.indices { bytes.storeBytes(of: values[index], toByteOffset: index &* 4, as: Float.self) }
        case .bf16: for index in values.indices { bytes.storeBytes(of: brain(values[index]), toByteOffset: index &* 2, as: UInt16.self) }
        case .f16: for index in values.indices { bytes.storeBytes(of: half(values[index]), toByteOffset: index &* 2, as: UInt16.self) }
        default: preconditionFailure("\(dtype.rawValue) is not computed with")
        }
    }

    /// Rounds every value to the nearest that the type can hold: what it will be once stored.
    package static func round(_ values: inout MutableSpan<Float>, to dtype: DType) {
        switch dtype {
        case .bf16: for index in values.indices { values[index] = Float(bitPattern: UInt32(brain(values[index])) &<< 16) }
        case .f16: for index in values.indices { values[index] = half(half(values[index])) }
        default: break
        }
    }

    /// bfloat16 is the upper half of a Float; a NaN must not round to infinity.
    @inline(__always)
    private static func brain(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        if value.isNaN { return UInt16(truncatingIfNeeded: bits >> 16) | 0x40 }
        return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ ((bits >> 16) & 1)) >> 16)
    }

    /// The value of an F16's bits. Integer conversion: the hardware type goes through a library call on x86-64.
    @inline(__always)
    package static func half(_ stored: UInt16) -> Float {
        let sign = UInt32(stored & 0x8000) &<< 16
        let magnitude = UInt32(stored & 0x7FFF)
        if magnitude >= 0x7C00 { return Float(bitPattern: sign | 0x7F80_0000 | (magnitude & 0x3FF) &<< 13) }
        // Scaling by 2^112 moves the exponent's bias from 15 to 127 and makes subnormals normal.
        let scaled = Float(bitPattern: magnitude &<< 13) * Float(bitPattern: 0x7780_0000)
        return Float(bitPattern: scaled.bitPattern | sign)
    }

    /// Without a branch, so that the loop over it can be vectorised: each case is computed and one is taken.
    @inline(__always)
    private static func half(_ value: Float) -> UInt16 {
        let sign = UInt32(value.bitPattern >> 16) & 0x8000
        let bits = value.bitPattern & 0x7FFF_FFFF
        // Adding 2^-1 puts the unit of the last place where a subnormal's is: the sum rounds as the result must.
        let subnormal = (Float(bitPattern: bits) + 0.5).bitPattern &- Float(0.5).bitPattern
        let normal = (bits &+ 0xFFF &+ ((bits >> 13) & 1) &- 0x3800_0000) >> 13
        // From 65520 on, infinity; NaN, whose bits are larger than infinity's, stays one.
        let special: UInt32 = bits > 0x7F80_0000 ? 0x7E00 : 0x7C00
        let finite = bits < 0x3880_0000 ? subnormal : normal
        return UInt16(truncatingIfNeeded: sign | (bits >= 0x477F_F000 ? special : finite))
    }
}
