import Storage
import SystemPackage
import TestSupport
import Testing

struct CompressedFileTests {
    private let text = Array(String(repeating: "{\"text\": \"once upon a time\"}\n", count: 9_000).utf8)

    private func contents(_ bytes: [UInt8], _ name: String, limit: Int = 1 << 20) throws -> [UInt8] {
        try withScratchDirectory { directory in
            try write(bytes, to: directory.appending(name))
            return try CompressedFile.contents(of: directory.appending(name), limit: limit)
        }
    }

    private func error(_ bytes: [UInt8], _ name: String, limit: Int = 1 << 20) throws -> StorageError {
        try #require(throws: StorageError.self) { _ = try contents(bytes, name, limit: limit) }
    }

    private func refuse(_ bytes: some Sequence<UInt8>, _ name: String, _ place: SourceLocation = #_sourceLocation) throws {
        let error = try error(Array(bytes), name)
        #expect(error.kind == "malformed-compression" && error.fault == .malformedInput, "\(error)", sourceLocation: place)
        #expect(error.description.contains(name), sourceLocation: place)
    }

    @Test(arguments: [
        ("a.jsonl.gz", "a.jsonl"), ("dir.gz/b.NPY.ZST", "dir.gz/b.NPY"), ("a.txt", "a.txt"), ("a.gz", "a"), (".gz", ".gz"),
        ("a.tgz", "a.tgz"),
        ("", ""),
    ])
    func knowsThePlainName(_ name: String, _ plain: String) {
        #expect(CompressedFile.plainName(FilePath(name)) == FilePath(plain))
    }

    @Test func decompresses() throws {
        #expect((try contents(gzip(text), "a.jsonl.gz") == text) == true)
        #expect((try contents(zstandard(text), "a.jsonl.ZST") == text) == true)
        #expect((try contents(text, "a.jsonl") == text) == true)
        // Frames after one another are one stream (RFC 8878, section 3).
        #expect((try contents(zstandard(text) + zstandard([1, 2]), "a.zst") == text + [1, 2]) == true)
    }

    @Test func takesExactlyTheLimit() throws {
        for (bytes, name) in [(gzip(text), "a.gz"), (zstandard(text), "a.zst"), (text, "a")] {
            #expect(try contents(bytes, name, limit: text.count).count == text.count)
            #expect(try error(bytes, name, limit: text.count - 1).kind == "file-too-large")
        }
    }

    /// 64 GiB of one byte in a run of blocks, each of 4 bytes: RFC 8878's RLE blocks of 128 KiB.
    @Test func refusesABombAtTheLimit() throws {
        // A window of 128 KiB, no size stated.
        var bomb: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0b0000_0000, 7 << 3]
        for _ in 0..<1 << 19 { bomb += [0b0000_0010, 0, 0x10, 0x61] }
        #expect(try error(bomb, "a.jsonl.zst").kind == "file-too-large")
    }

    @Test(arguments: [1, 4, 8, 9, 1_000, 200_000])
    func refusesTruncatedStreams(_ missing: Int) throws {
        try refuse(gzip(text).dropLast(missing), "a.gz")
        try refuse(zstandard(text).dropLast(missing), "a.zst")
    }

    @Test(arguments: [[0], [0, 0, 0, 0, 0, 0, 0, 0], Array("{\"text\": \"more\"}\n".utf8)] as [[UInt8]])
    func refusesWhatFollowsTheStream(_ garbage: [UInt8]) throws {
        try refuse(gzip(text) + garbage, "a.gz")
        try refuse(zstandard(text) + garbage, "a.zst")
    }

    /// One that was not checked would be read as another text.
    @Test func refusesADamagedGzip() throws {
        var bytes = gzip(text)
        bytes[1_000] ^= 1
        try refuse(bytes, "a.gz")
    }

    @Test func refusesStreamsOfNothing() throws {
        try refuse([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0], "a.gz")
        try refuse([0x28, 0xB5, 0x2F, 0xFD, 0x20, 0, 1, 0, 0], "a.zst")
    }

    @Test func refusesSeveralGzipMembers() throws {
        try refuse(gzip(text) + gzip(text), "a.gz")
    }

    @Test func refusesWhatIsNotCompressedOnceAsItsNameSays() throws {
        try refuse([], "a.gz")
        try refuse(text, "a.jsonl.gz")
        try refuse(text, "a.jsonl.zst")
        try refuse(zstandard(text), "a.gz")
        try refuse(gzip(text), "a.zst")
        try refuse(gzip(gzip(text)), "a.gz")
    }
}
