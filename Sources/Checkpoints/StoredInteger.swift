internal import Tensors

/// A stored integer's width and sign, little-endian.
struct StoredInteger: Sendable, Equatable {
    /// 1, 2, 4 or 8.
    let byteCount: Int
    let isSigned: Bool

    /// NumPy's name of it. Nil for other elements, and for other orders of bytes.
    init?(numpy name: String) {
        switch name {
        case "|u1": self.init(1, isSigned: false)
        case "<u2": self.init(2, isSigned: false)
        case "<u4": self.init(4, isSigned: false)
        case "<u8": self.init(8, isSigned: false)
        case "|i1": self.init(1, isSigned: true)
        case "<i2": self.init(2, isSigned: true)
        case "<i4": self.init(4, isSigned: true)
        case "<i8": self.init(8, isSigned: true)
        default: return nil
        }
    }

    /// Nil for other elements than integers.
    init?(_ dtype: DType) {
        switch dtype {
        case .u8, .u16, .u32, .u64: self.init(dtype.bitWidth / 8, isSigned: false)
        case .i8, .i16, .i32, .i64: self.init(dtype.bitWidth / 8, isSigned: true)
        default: return nil
        }
    }

    private init(_ byteCount: Int, isSigned: Bool) {
        self.byteCount = byteCount
        self.isSigned = isSigned
    }

    /// The integer that begins at `offset`; nil where it is no natural number below 2^31.
    func natural(in bytes: Span<UInt8>, at offset: Int) -> Int32? {
        let pattern = pattern(in: bytes, at: offset)
        // A negative number's highest bit is set, whatever its width.
        if isSigned && pattern >> UInt64(8 * byteCount - 1) == 1 { return nil }
        return Int32(exactly: pattern)
    }

    /// The integer that begins at `offset`, as it is written.
    func text(in bytes: Span<UInt8>, at offset: Int) -> String {
        let pattern = pattern(in: bytes, at: offset)
        let unused = 64 - 8 * byteCount
        return isSigned ? String(Int64(bitPattern: pattern << UInt64(unused)) >> Int64(unused)) : String(pattern)
    }

    private func pattern(in bytes: Span<UInt8>, at offset: Int) -> UInt64 {
        var pattern: UInt64 = 0
        for index in 0..<byteCount { pattern |= UInt64(bytes[offset + index]) << UInt64(8 * index) }
        return pattern
    }
}
