import Storage
import SystemPackage
import TestSupport
import Testing

struct FilePagesTests {
    private let contents: [UInt8] = (0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }

    private func bytes(_ file: InputFile, _ range: Range<Int>) -> [UInt8]? {
        guard let pages = FilePages(file, range) else { return nil }
        return (0..<pages.bytes.count).map { pages.bytes[$0] }
    }

    /// Wherever the parts begin and end in the file's pages, and in regions of it too.
    @Test func areTheFilesBytes() throws {
        try withScratchDirectory { directory in
            let path = directory.appending("data")
            try write(contents, to: path)
            let file = try InputFile(path)
            for range in [0..<1, 0..<20_000, 4095..<4097, 4096..<8192, 5000..<5001, 19_999..<20_000] {
                #expect((bytes(file, range) == Array(contents[range])) as Bool)
                let region = file.region(range, named: path)
                #expect((bytes(region, 0..<range.count) == Array(contents[range])) as Bool)
            }
            #expect(bytes(file, 3..<3) == nil && bytes(file, 19_999..<20_001) == nil)
        }
    }

    /// What is no longer there is found out before it is touched.
    @Test func noticesAFileThatShrank() throws {
        try withScratchDirectory { directory in
            let path = directory.appending("data")
            try write(contents, to: path)
            let file = try InputFile(path)
            try write(Array(contents[..<100]), to: path)
            #expect(bytes(file, 8192..<9000) == nil)
            #expect(bytes(file, 0..<20_000) == nil)
        }
    }
}
