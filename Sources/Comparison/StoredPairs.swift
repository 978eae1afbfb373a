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
