internal import Glibc

extension Span<UInt8> {
    func isEqual(to other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        return unsafe withUnsafeBytes { first in
            unsafe other.withUnsafeBytes { second in
                guard let a = first.baseAddress, let b = second.baseAddress else { return true }
                return unsafe memcmp(a, b, first.count) == 0
            }
        }
    }
}

extension Span where Element: BitwiseCopyable {
    /// Hands over the words, integers or vectors, that stand in both, those of some numbers or all, in a loop without a branch.
    @inline(__always)
    func forEachPair<Word: BitwiseCopyable>(
        with other: Span<Element>, _ range: Range<Int>? = nil, as type: Word.Type, _ body: (Word, Word) -> Void
    ) {
        let width = MemoryLayout<Word>.size
        let size = count * MemoryLayout<Element>.size
        let range = range ?? 0..<size / width
        precondition(other.count == count && size.isMultiple(of: width))
        precondition(range.lowerBound >= 0 && range.upperBound <= size / width)
        var index = range.lowerBound
        while index < range.upperBound {
            let a = unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: index &* width, as: type)
            let b = unsafe other.bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: index &* width, as: type)
            body(a, b)
            index &+= 1
        }
    }
}

/// Eight values, as they stand in memory; of BF16, first those at even places and then those at odd ones.
struct Octet: BitwiseCopyable {
    typealias Half = SIMD4<Float>

    let first: Half
    let second: Half

    @inline(__always)
    init(_ first: Half, _ second: Half) { (self.first, self.second) = (first, second) }

    @inline(__always)
    init(brain stored: SIMD8<Int16>) {
        let bits = stored.joined
        (first, second) = unsafe (unsafeBitCast(bits &<< 16, to: Half.self), unsafeBitCast(bits & 0xFFFF_0000, to: Half.self))
    }

    @inline(__always)
    static func - (a: Octet, b: Octet) -> Octet { Octet(a.first - b.first, a.second - b.second) }

    @inline(__always)
    static func * (a: Octet, b: Octet) -> Octet { Octet(a.first * b.first, a.second * b.second) }

    /// Each of the first four plus one of the others.
    @inline(__always)
    var folded: Half { first + second }

    /// The absolute values: without the bits of the signs.
    @inline(__always)
    var magnitudes: Octet { Octet(Self.magnitude(first), Self.magnitude(second)) }

    @inline(__always)
    private static func magnitude(_ values: Half) -> Half {
        unsafe unsafeBitCast(unsafeBitCast(values, to: SIMD4<UInt32>.self) & 0x7FFF_FFFF, to: Half.self)
    }
}

extension Octet.Half {
    /// The larger of each two. Written out, for so it is one instruction of any x86-64, and `pointwiseMax` is many.
    @inline(__always)
    func larger(_ other: Self) -> Self {
        Self(x > other.x ? x : other.x, y > other.y ? y : other.y, z > other.z ? z : other.z, w > other.w ? w : other.w)
    }
}

extension SIMD8<Int16> {
    /// The bits of each two neighbours as one integer, the first in its lower half.
    @inline(__always)
    var joined: SIMD4<UInt32> { unsafe unsafeBitCast(self, to: SIMD4<UInt32>.self) }
}
