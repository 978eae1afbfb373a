internal import Tensors

/// Differences of stored words, exact whatever the words mean: NaN payloads, the sign of zero and denormals are bits like any others.
///
/// A word is an element; of types below 8 bits it is a byte, and of C64 one of its two parts. The difference is that of the words as integers,
/// modulo their range, turned so that small steps either way are small numbers (0, -1, 1, -2 become 0, 1, 2, 3). Its bytes stand in planes:
/// the lowest byte of each word, then the next of each.
///
/// On BF16 edits this takes 11 % less than the exclusive or of the bits, and planes 25 % less than whole words, each under Zstandard.
struct WordDifference: Sendable {
    /// Bytes of a word.
    let width: Int

    init(of dtype: DType) { width = dtype == .c64 ? 4 : max(1, dtype.bitWidth / 8) }

    /// The planes of `after` - `before`, of as many bytes, and how many words differ; no planes where none does.
    func planes(from before: Span<UInt8>, to after: Span<UInt8>) -> (bytes: [UInt8], changed: Int) {
        precondition(before.count == after.count && before.count.isMultiple(of: width))
        return switch width {
        case 1: planes(from: before, to: after, as: UInt8.self)
        case 2: planes(from: before, to: after, as: UInt16.self)
        case 4: planes(from: before, to: after, as: UInt32.self)
        default: planes(from: before, to: after, as: UInt64.self)
        }
    }

    /// Adds a difference to stored words, or takes it away.
    func add(_ planes: [UInt8], to stored: inout [UInt8], negated: Bool) {
        precondition(planes.count == stored.count && stored.count.isMultiple(of: width))
        switch width {
        case 1: add(planes, to: &stored, negated, as: UInt8.self)
        case 2: add(planes, to: &stored, negated, as: UInt16.self)
        case 4: add(planes, to: &stored, negated, as: UInt32.self)
        default: add(planes, to: &stored, negated, as: UInt64.self)
        }
    }

    private func planes<Word: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
        from before: Span<UInt8>, to after: Span<UInt8>, as type: Word.Type
    ) -> (bytes: [UInt8], changed: Int) {
        let (count, width) = (before.count / MemoryLayout<Word>.size, MemoryLayout<Word>.size)
        let (old, new) = unsafe (before.bytes, after.bytes)
        var bytes = [UInt8](repeating: 0, count: before.count)
        var target = bytes.mutableSpan
        var changed = 0
        for index in 0..<count {
            let first = unsafe old.unsafeLoadUnaligned(fromUncheckedByteOffset: index &* width, as: type)
            let second = unsafe new.unsafeLoadUnaligned(fromUncheckedByteOffset: index &* width, as: type)
            let difference = second &- first
            changed &+= difference == 0 ? 0 : 1
            let turned = (difference &<< 1) ^ (0 &- (difference &>> Word(Word.bitWidth - 1)))
            for plane in 0..<width {
                unsafe target[unchecked: plane &* count &+ index] = UInt8(truncatingIfNeeded: turned &>> Word(8 &* plane))
            }
        }
        return (changed == 0 ? [] : bytes, changed)
    }

    private func add<Word: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
        _ planes: [UInt8], to stored: inout [UInt8], _ negated: Bool, as type: Word.Type
    ) {
        let (count, width) = (stored.count / MemoryLayout<Word>.size, MemoryLayout<Word>.size)
        let source = planes.span
        let sign: Word = negated ? .max : 0
        var span = stored.mutableSpan
        var bytes = unsafe span.mutableBytes
        for index in 0..<count {
            var turned: Word = 0
            for plane in 0..<width { turned |= unsafe Word(source[unchecked: plane &* count &+ index]) &<< Word(8 &* plane) }
            let difference = (turned &>> 1) ^ (0 &- (turned & 1))
            let old = unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: index &* width, as: type)
            // x - d = x + ~d + 1.
            let new = old &+ (difference ^ sign) &+ (sign & 1)
            unsafe bytes.storeBytes(of: new, toUncheckedByteOffset: index &* width, as: type)
        }
    }
}
