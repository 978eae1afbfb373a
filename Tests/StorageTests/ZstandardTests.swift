import Storage
import Testing

struct ZstandardTests {
    private func decompressed(_ frame: [UInt8], count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var span = bytes.mutableSpan
        return Zstandard.decompress(frame.span, into: &span) ? bytes : nil
    }

    /// Of one byte, of what shrinks to nothing, and of noise, which grows by a little.
    @Test(arguments: [1, 300, 1 << 17, (1 << 18) + 5])
    func givesBackWhatWentIn(_ count: Int) {
        var state: UInt64 = 1
        let noise = (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1
            return UInt8(truncatingIfNeeded: state >> 40)
        }
        for bytes in [noise, [UInt8](repeating: 7, count: count)] {
            let frame = Zstandard.compressed(bytes.span, level: 1)
            #expect(frame.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) && frame.count <= count + count / 256 + 1024)
            let isSame = decompressed(frame, count: count) == bytes
            #expect(isSame)
            let isRepeated = Zstandard.compressed(bytes.span, level: 1) == frame
            #expect(isRepeated)
        }
    }

    @Test func refusesAnotherLength() {
        let frame = Zstandard.compressed([1, 2, 3, 4].span, level: 1)
        #expect(decompressed(frame, count: 4) == [1, 2, 3, 4])
        #expect(decompressed(frame, count: 3) == nil && decompressed(frame, count: 5) == nil)
    }

    @Test func refusesWhatIsNoFrame() {
        let frame = Zstandard.compressed([UInt8](repeating: 9, count: 1000).span, level: 1)
        #expect(decompressed([], count: 4) == nil)
        #expect(decompressed([1, 2, 3, 4], count: 4) == nil)
        for length in 0..<frame.count { #expect(decompressed(Array(frame.prefix(length)), count: 1000) == nil) }
    }
}
