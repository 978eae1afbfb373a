import Checkpoints
import Storage
import SystemPackage
import TestSupport
import Testing

/// Against the reference implementation's values, which make_gguf_fixtures.py recorded.
@Suite struct DequantizationTests {
    private static let path = Fixture.directory.appending("gguf").appending("blocks.safetensors")

    /// The same operations in the same order, so the same bits.
    @Test(arguments: GGMLType.allCases)
    func agreesToTheLastBit(_ type: GGMLType) throws {
        let blocks = try Checkpoint(Self.path)
        let bytes = try blocks.bytes("\(type)/bytes"), expected = try blocks.floats("\(type)/values")
        #expect(expected.count >= 3 * type.blockCount && bytes.count == expected.count / type.blockCount * type.blockByteCount)
        var values = [Float](repeating: .nan, count: expected.count)
        var span = values.mutableSpan
        type.decode(bytes.span, into: &span)
        #expect((values.map(\.bitPattern) == expected.map(\.bitPattern)) == true)
        #expect(Set(values).count > 30)
    }

    /// Every range of a tensor, whatever blocks it begins and ends in.
    @Test(arguments: GGMLType.allCases)
    func readsEveryRange(_ type: GGMLType) throws {
        let blocks = try Checkpoint(Self.path)
        let bytes = try blocks.bytes("\(type)/bytes"), expected = try blocks.floats("\(type)/values")
        var file = GGUFBytes()
        file.add("before", [3])
        file.add("t", [UInt64(expected.count)])
        file.tensors[1].type = type.rawValue
        file.tensors[1].data = bytes
        try file.with { input in
            let read = try GGUFFile(input)
            let tensor = try #require(read.tensor(named: "t"))
            var wrong = 0
            for start in stride(from: 0, to: expected.count, by: type.blockCount / 8 + 1) {
                for count in [0, 1, type.blockCount - 1, type.blockCount, type.blockCount + 1, expected.count - start]
                where start + count <= expected.count {
                    var values = [Float](repeating: .nan, count: count)
                    var span = values.mutableSpan
                    try read.read(tensor, from: start, into: &span)
                    if values != Array(expected[start..<start + count]) { wrong += 1 }
                }
            }
            #expect(wrong == 0)
        }
    }

    /// More than one piece.
    @Test func readsLongTensors() throws {
        let count = 200_000
        var file = GGUFBytes()
        file.add("t", [UInt64(count)])
        file.tensors[0].data = (0..<count).flatMap { GGUFBytes.word(Float($0).bitPattern) }
        try file.with { input in
            let read = try GGUFFile(input)
            var values = [Float](repeating: .nan, count: count - 7)
            var span = values.mutableSpan
            try read.read(read.tensors[0], from: 5, into: &span)
            #expect((values == (5..<count - 2).map(Float.init)) == true)
        }
    }
}
