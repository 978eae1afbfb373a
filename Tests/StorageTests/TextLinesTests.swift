import Storage
import SystemPackage
import TestSupport
import Testing

struct TextLinesTests {
    private func lines(_ text: [UInt8], longest: Int = 1 << 30) throws -> [[UInt8]] {
        try withScratchDirectory { directory in
            let path = directory.appending("text")
            try write(text, to: path)
            var lines = TextLines(try InputFile(path), longest: longest)
            var found: [[UInt8]] = []
            while let line = try lines.next() {
                found.append(line)
                #expect(lines.number == found.count)
            }
            return found
        }
    }

    @Test func cutsAtLineFeeds() throws {
        #expect(try lines(Array("a\n\nbc\r\nd".utf8)) == ["a", "", "bc\r", "d"].map { Array($0.utf8) })
        #expect(try lines(Array("a\n".utf8)) == [Array("a".utf8), []])
        #expect(try lines([]) == [[]])
    }

    /// Longer than a block, across its ends, and ending with it.
    @Test func joinsBlocks() throws {
        let long = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)
        let found = try lines(long + Array("y\n".utf8) + long + Array("\nz".utf8))
        #expect(found.map(\.count) == [(1 << 20) + 1, 1 << 20, 1])
        #expect(try lines(long).map(\.count) == [1 << 20])
    }

    @Test func boundsALine() throws {
        let error = try #require(throws: StorageError.self) { try lines(Array("ab\nabcd\n".utf8), longest: 3) }
        #expect(error.kind == "file-too-large")
        #expect(try lines(Array("abc".utf8), longest: 3).count == 1)
    }
}
