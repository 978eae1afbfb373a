import Storage
import SystemPackage
import TestSupport
import Testing

struct ZipDirectoryTests {
    private static let one = (name: "a/one.bin", data: [1, 2, 3, 4] as [UInt8])
    private static let two = (name: "a/two.bin", data: [5, 6] as [UInt8])

    private func open<Result>(_ bytes: [UInt8], _ body: (InputFile, ZipDirectory) throws -> Result) throws -> Result {
        try withScratchDirectory { directory in
            try write(bytes, to: directory.appending("x.zip"))
            let file = try InputFile(directory.appending("x.zip"))
            return try body(file, ZipDirectory(file))
        }
    }

    /// The reason for which a zip of two entries is refused once it is changed.
    private func reason(isWide: Bool = false, _ change: (inout ZipBytes) -> Void) throws -> String {
        var zip = ZipBytes([Self.one, Self.two], isWide: isWide)
        change(&zip)
        return try reason(zip.bytes)
    }

    private func reason(_ bytes: [UInt8]) throws -> String {
        let error = try #require(throws: StorageError.self) { try open(bytes) { _, _ in } }
        guard case .archive(_, let reason) = error else { throw error }
        return reason
    }

    private func checkBoth(_ bytes: [UInt8]) throws {
        try open(bytes) { file, directory in
            #expect(directory.entries.map(\.name) == [Self.one.name, Self.two.name])
            #expect(directory.entries.map(\.isStored) == [true, true])
            #expect(directory.entries.map(\.size) == [4, 2])
            #expect(directory.entries.map(\.crc32) == [0x1234_5678, 0x1234_5678])
            let data = try directory.entries.map { try file.bytes(at: $0.dataOffset, count: $0.compressedSize) }
            #expect(data == [Self.one.data, Self.two.data])
        }
    }

    // MARK: What is taken

    @Test(arguments: [false, true])
    func findsEntriesWhereTheyLie(_ isWide: Bool) throws {
        try checkBoth(ZipBytes([Self.one, Self.two], isWide: isWide).bytes)
    }

    @Test(arguments: [1, 20, 65_535])
    func findsTheEndBeforeAComment(_ count: Int) throws {
        try checkBoth(ZipBytes([Self.one, Self.two], isWide: true, comment: [UInt8](repeating: 0x50, count: count)).bytes)
    }

    @Test func takesAZipWithoutEntries() throws {
        try open(ZipBytes([]).bytes) { _, directory in #expect(directory.entries.isEmpty) }
    }

    @Test func takesSizesThatFollowTheData() throws {
        var zip = ZipBytes([Self.one, Self.two])
        for entry in 0..<2 {
            zip.set(0x808, at: zip.local[entry] + 6, width: 2)
            zip.set(0x808, at: zip.central[entry] + 8, width: 2)
            zip.bytes.replaceSubrange(zip.local[entry] + 14..<zip.local[entry] + 26, with: repeatElement(0, count: 12))
        }
        try checkBoth(zip.bytes)
    }

    @Test func takesDirectoriesAndNamesInUTF8() throws {
        try open(ZipBytes([("é/", []), ("é/…", [1])]).bytes) { _, directory in #expect(directory.entries.map(\.name) == ["é/", "é/…"]) }
    }

    @Test func tellsCompressedEntriesApart() throws {
        var zip = ZipBytes([Self.one])
        for (position, value, width) in [(8, 8, 2), (22, 1 << 20, 4)] { zip.set(value, at: zip.local[0] + position, width: width) }
        for (position, value, width) in [(10, 8, 2), (24, 1 << 20, 4)] { zip.set(value, at: zip.central[0] + position, width: width) }
        try open(zip.bytes) { _, directory in
            #expect(directory.entries.map(\.isStored) == [false])
            #expect(directory.entries.map(\.compressedSize) == [4])
            #expect(directory.entries.map(\.size) == [1 << 20])
        }
    }

    // MARK: The end record

    @Test func refusesWhatIsNoZip() throws {
        for bytes in [[], [0x50], [UInt8](repeating: 0x50, count: 100_000)] { #expect(try reason(bytes).contains("no zip directory")) }
    }

    @Test func refusesEveryTruncation() throws {
        let bytes = ZipBytes([Self.one, Self.two], isWide: true).bytes
        for count in 0..<bytes.count { #expect(try reason(Array(bytes.prefix(count))).contains("no zip directory")) }
    }

    @Test func refusesBytesAfterTheEnd() throws {
        #expect(try reason { $0.bytes.append(0) }.contains("no zip directory"))
    }

    /// A comment that is an end record of its own: readers that search differently would see different archives.
    @Test func refusesTwoEndRecords() throws {
        let inner = ZipBytes([]).bytes
        #expect(try reason(ZipBytes([Self.one], comment: inner).bytes).contains("two end records"))
    }

    @Test(arguments: [4, 6])
    func refusesSeveralDisks(_ position: Int) throws {
        #expect(try reason { $0.set(1, at: $0.end + position, width: 2) }.contains("several disks"))
    }

    @Test(arguments: [-20 + 4, -20 + 16, -76 + 16, -76 + 20])
    func refusesSeveralDisksInZip64(_ position: Int) throws {
        let reason = try reason(isWide: true) {
            $0.set(0xFFFF_FFFF, at: $0.end + 4, width: 4)
            $0.set(2, at: $0.end + position, width: 4)
        }
        #expect(reason.contains("several disks"))
    }

    @Test func refusesSeveralDisksInAnEntry() throws {
        #expect(try reason { $0.set(1, at: $0.central[0] + 34, width: 2) }.contains("several disks"))
    }

    @Test func refusesTwoCountsThatDiffer() throws {
        #expect(try reason { $0.set(1, at: $0.end + 8, width: 2) }.contains("two counts"))
    }

    @Test(arguments: [1, 3, 0xFFFF])
    func refusesAnotherCountThanThereAre(_ count: Int) throws {
        let reason = try reason {
            $0.set(count, at: $0.end + 8, width: 2)
            $0.set(count, at: $0.end + 10, width: 2)
        }
        #expect(reason.contains("counts \(count) entries"))
    }

    @Test(arguments: [(12, 1), (12, 0xFFFF_FFFF), (16, 0), (16, 0xFFFF_FFFF)])
    func refusesADirectoryElsewhere(_ position: Int, _ value: Int) throws {
        #expect(try reason { $0.set(value, at: $0.end + position, width: 4) }.contains("does not end where"))
    }

    @Test(arguments: [(8, 1), (10, 1), (12, 1), (16, 1)])
    func refusesEndRecordsThatDiffer(_ position: Int, _ value: Int) throws {
        #expect(try reason(isWide: true) { $0.set(value, at: $0.end + position, width: position < 12 ? 2 : 4) }.contains("do not agree"))
    }

    @Test(arguments: [0, .max, -1])
    func refusesAZip64RecordElsewhere(_ offset: Int) throws {
        #expect(try reason(isWide: true) { $0.set(offset, at: $0.end - 20 + 8, width: 8) }.contains("not where it should be"))
    }

    @Test(arguments: [0, 43, .max, -1])
    func refusesAZip64RecordOfAnotherSize(_ size: Int) throws {
        #expect(try reason(isWide: true) { $0.set(size, at: $0.end - 76 + 4, width: 8) }.contains("not where it should be"))
    }

    @Test(arguments: [40, 48])
    func refusesZip64NumbersBeyondAnyFile(_ position: Int) throws {
        #expect(try reason(isWide: true) { $0.set(-1, at: $0.end - 76 + position, width: 8) }.contains("beyond any file"))
        #expect(try reason(isWide: true) { $0.set(.max, at: $0.end - 76 + position, width: 8) }.contains("does not end where"))
    }

    // MARK: Headers

    @Test(arguments: [0, 28, 30, 32])
    func refusesAMalformedDirectory(_ position: Int) throws {
        #expect(try reason { $0.set(0xFFFF, at: $0.central[1] + position, width: 2) }.contains("malformed or cut short"))
    }

    @Test(arguments: [0, 5, 6, 13])
    func refusesEncryptionAndPatches(_ bit: Int) throws {
        let reason = try reason {
            $0.set(0x800 | 1 << bit, at: $0.local[1] + 6, width: 2)
            $0.set(0x800 | 1 << bit, at: $0.central[1] + 8, width: 2)
        }
        #expect(reason == "\"a/two.bin\" is encrypted or patched")
    }

    @Test func refusesOtherFlagsInTheLocalHeader() throws {
        #expect(try reason { $0.set(0x801, at: $0.local[0] + 6, width: 2) }.contains("other flags"))
    }

    @Test func refusesAnotherMethodInTheLocalHeader() throws {
        #expect(try reason { $0.set(8, at: $0.local[0] + 8, width: 2) }.contains("another method"))
    }

    @Test func refusesAnotherNameInTheLocalHeader() throws {
        #expect(try reason { $0.bytes[$0.local[0] + 30] = 0x62 }.contains("another name"))
        #expect(try reason { $0.set(8, at: $0.local[0] + 26, width: 2) }.contains("another name"))
    }

    @Test(arguments: [14, 18, 22])
    func refusesOtherSizesInTheLocalHeader(_ position: Int) throws {
        #expect(try reason { $0.set(3, at: $0.local[0] + position, width: 4) }.contains("other sizes"))
        #expect(try reason { $0.set(0, at: $0.local[0] + position, width: 4) }.contains("other sizes"))
    }

    @Test func refusesOtherSizesInTheLocalZip64Field() throws {
        #expect(try reason(isWide: true) { $0.set(3, at: $0.local[0] + 39 + 4, width: 8) }.contains("other sizes"))
        #expect(try reason(isWide: true) { $0.set(2, at: $0.local[0] + 39, width: 2) }.contains("no zip64 field"))
        #expect(try reason(isWide: true) { $0.set(-1, at: $0.local[0] + 39 + 4, width: 8) }.contains("malformed zip64 field"))
    }

    @Test func refusesAMalformedZip64Field() throws {
        #expect(try reason(isWide: true) { $0.set(2, at: $0.central[0] + 55, width: 2) }.contains("no zip64 field"))
        #expect(try reason(isWide: true) { $0.set(25, at: $0.central[0] + 57, width: 2) }.contains("no zip64 field"))
        #expect(try reason(isWide: true) { $0.set(-1, at: $0.central[0] + 59, width: 8) }.contains("malformed zip64 field"))
    }

    @Test func refusesAStoredEntryOfTwoSizes() throws {
        #expect(try reason { $0.set(9, at: $0.central[0] + 24, width: 4) }.contains("has two sizes"))
    }

    // MARK: Places

    @Test func refusesAnEntryWithoutALocalHeader() throws {
        #expect(try reason { $0.set($0.local[1] + 1, at: $0.central[1] + 42, width: 4) }.contains("no local header"))
    }

    @Test func refusesEntriesOutsideTheFile() throws {
        #expect(try reason { $0.set(0x7FFF_FFFF, at: $0.central[1] + 42, width: 4) }.contains("outside"))
        #expect(try reason { $0.set($0.central[0] - 10, at: $0.central[1] + 42, width: 4) }.contains("outside"))
        #expect(try reason(isWide: true) { $0.set(.max, at: $0.central[1] + 46 + 9 + 4 + 16, width: 8) }.contains("outside"))
    }

    @Test(arguments: [3, 0x7FFF_FFFF])
    func refusesDataOutsideTheFile(_ size: Int) throws {
        let reason = try reason {
            for position in [18, 22] { $0.set(size, at: $0.local[1] + position, width: 4) }
            for position in [20, 24] { $0.set(size, at: $0.central[1] + position, width: 4) }
        }
        #expect(reason == "\"a/two.bin\" lies outside the file's entries")
    }

    @Test func refusesSizesThatOverflow() throws {
        let reason = try reason(isWide: true) {
            for position in [43, 51] { $0.set(.max, at: $0.local[1] + position, width: 8) }
            for position in [59, 67] { $0.set(.max, at: $0.central[1] + position, width: 8) }
        }
        #expect(reason.contains("outside"))
    }

    /// The zip bomb's way: the first entry's data is the second entry.
    @Test func refusesEntriesThatOverlap() throws {
        let reason = try reason {
            for position in [18, 22] { $0.set(5, at: $0.local[0] + position, width: 4) }
            for position in [20, 24] { $0.set(5, at: $0.central[0] + position, width: 4) }
        }
        #expect(reason == "\"a/two.bin\" overlaps \"a/one.bin\"")
    }

    /// Two entries of the directory with one local header.
    @Test func refusesTwoEntriesInOnePlace() throws {
        let reason = try reason {
            $0.rename(1, Array(Self.one.name.utf8))
            $0.set(0, at: $0.central[1] + 42, width: 4)
        }
        #expect(reason.contains("is there twice"))
    }

    // MARK: Names

    @Test(arguments: [
        ("a/../.bin", "leads out of the archive"), ("../ne.bin", "leads out of the archive"), ("a/one/../", "leads out of the archive"),
        ("/a/ne.bin", "is not a relative path"), ("a\\one.bin", "has a backslash"), ("a/on\0.bin", "has a control character"),
        ("a/on\u{1B}.bin", "has a control character"), ("a/on\u{7F}.bin", "has a control character"),
        ("a//ne.bin", "not made of plain names"),
        ("./one.bin", "not made of plain names"), ("a/two.bin", "is there twice"),
    ])
    func refusesNames(_ name: String, _ expected: String) throws {
        #expect(name.utf8.count == Self.one.name.utf8.count)
        #expect(try reason { $0.rename(0, Array(name.utf8)) }.contains(expected))
    }

    @Test func refusesAFileAndADirectoryOfOneName() throws {
        #expect(try reason(ZipBytes([("a", []), ("a/", [])]).bytes).contains("is there twice"))
    }

    @Test func refusesAnEmptyName() throws {
        #expect(try reason(ZipBytes([("", [])]).bytes).contains("is not a relative path"))
        #expect(try reason(ZipBytes([("/", [])]).bytes).contains("is not a relative path"))
    }

    @Test(arguments: [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80]] as [[UInt8]])
    func refusesNamesThatAreNotUTF8(_ name: [UInt8]) throws {
        #expect(try reason { $0.rename(0, name) }.contains("not UTF-8"))
    }
}
