import Checkpoints
import Storage
import SystemPackage
import TestSupport
import Testing
import Verification

struct TextFileTests {
    @Test func theNameDecides() throws {
        try withScratchDirectory { directory in
            let text = directory.appending("a.txt")
            try write(Array("a\nb".utf8), to: text)
            var format = TextFormat()
            format.split = .lines
            #expect(try TextFile.records(text, format: format) == [.text("a"), .text("b")])
            let missing = try #require(throws: CheckpointError.self) { try TextFile.records(directory.appending("a.npy.gz")) }
            #expect(missing.kind == "missing-file")
            let other = try #require(throws: TextRecordError.self) { try TextFile.records(directory.appending("a.csv")) }
            #expect(other.kind == "unsupported-text")
        }
        let ids = Fixture.directory.appending("token-files/rows-i4.npy.zst")
        #expect(try TextFile.records(ids) == [.tokens([5, 6, 7, 8]), .tokens([9, 10, 11, 12]), .tokens([60, 59, 58, 57])])
    }
}
