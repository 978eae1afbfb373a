import Storage
import SystemPackage
import TestSupport
import Testing

struct ArchiveTests {
    /// Unpacks the bytes as an archive of that name and hands over the directory.
    private func unpack(
        _ bytes: [UInt8], name: String = "model.tar", limit: Int = 1 << 20, entryLimit: Int = 100,
        then check: (FilePath) throws -> Void = { _ in }
    ) throws {
        try withScratchDirectory { scratch in
            let directory = scratch.appending("out")
            try FileSystem.createDirectory(directory)
            try write(bytes, to: scratch.appending(name))
            defer { #expect((try? FileSystem.names(in: scratch)) == [name, "out"].sorted(), "something was written beside the directory") }
            try Archive.unpack(scratch.appending(name), into: directory, limit: limit, entryLimit: entryLimit)
            try check(directory)
        }
    }

    private func reason(_ bytes: [UInt8], name: String = "model.tar", limit: Int = 1 << 20, entryLimit: Int = 100) throws -> String {
        let error = try #require(throws: StorageError.self) { try unpack(bytes, name: name, limit: limit, entryLimit: entryLimit) }
        guard case .archive(_, let reason) = error else { throw error }
        return reason
    }

    private let config = ArchiveEntry("model/config.json", Array("{}".utf8))
    private let weights = ArchiveEntry("model/sub/é.bin", (0..<70_000).map { UInt8(truncatingIfNeeded: $0) })

    private func checkModel(_ directory: FilePath) throws {
        #expect(try FileSystem.names(in: directory) == ["model"])
        #expect(try InputFile.contents(of: directory.appending("model/config.json")) == config.data)
        #expect(try InputFile.contents(of: directory.appending("model/sub/é.bin")) == weights.data)
    }

    // MARK: What comes out

    @Test(arguments: [
        ("a.tar", true), ("a.tar.gz", true), ("dir/A.TGZ", true), ("a.b.tar.zst", true), ("a.zip", true), ("a.tar.xz", false),
        ("a.gz", false), ("tar", false), ("zip", false), ("a.zip/b", false), ("", false),
    ])
    func goesByTheName(_ name: String, _ isArchive: Bool) {
        #expect(Archive.isArchive(FilePath(name)) == isArchive)
    }

    @Test func unpacksATar() throws {
        let entries = [ArchiveEntry("./", kind: "5"), ArchiveEntry("model/", kind: "5"), config, weights]
        try unpack(tar(entries), then: checkModel)
    }

    @Test func unpacksDirectoriesWithoutEntriesAndNamesWithDots() throws {
        try unpack(tar([ArchiveEntry("./model/./config.json", config.data), weights, ArchiveEntry("model/", kind: "5")]), then: checkModel)
    }

    @Test(arguments: ["m.tar.gz", "m.tgz"])
    func unpacksAGzippedTar(_ name: String) throws {
        try unpack(gzip(tar([config, weights])), name: name, then: checkModel)
    }

    @Test func unpacksAZstandardTar() throws {
        try unpack(zstandard(tar([config, weights])), name: "m.tar.zst", then: checkModel)
    }

    @Test func unpacksAZip() throws {
        try unpack(zip([ArchiveEntry("model/", kind: "5"), config, weights]), name: "m.zip", then: checkModel)
    }

    @Test func keepsNoModes() throws {
        try unpack(tar([ArchiveEntry("a", [1], mode: 0o4777)])) { directory in
            let permissions = try Stat(directory.appending("a")).permissions
            #expect(permissions.isDisjoint(with: [.setUserID, .ownerExecute, .otherWrite]))
        }
    }

    @Test func takesExactlyTheLimit() throws {
        try unpack(tar([config, weights]), limit: config.data.count + weights.data.count, then: checkModel)
    }

    // MARK: What is refused

    @Test(arguments: ["../x", "a/../../x", "a/..", ".."])
    func refusesToLeaveTheDirectory(_ name: String) throws {
        #expect(try reason(tar([config, ArchiveEntry(name, [1])])) == "\"\(name)\" leads out of the archive by \"..\"")
        #expect(try reason(zip([config, ArchiveEntry(name, [1])]), name: "m.zip") == "\"\(name)\" leads out of the archive by \"..\"")
    }

    @Test func refusesAbsolutePaths() throws {
        #expect(try reason(tar([ArchiveEntry("/x", [1])])) == #""/x" is not a relative path"#)
        #expect(try reason(zip([ArchiveEntry("/x", [1])]), name: "m.zip") == #""/x" is not a relative path"#)
    }

    @Test(arguments: [("1", "a hard link"), ("2", "a symbolic link"), ("3", "a device"), ("4", "a device"), ("6", "a pipe")])
    func refusesWhatIsNeitherFileNorDirectory(_ kind: String, _ what: String) throws {
        let entry = ArchiveEntry("link", kind: Unicode.Scalar(kind) ?? "0", target: "/etc/passwd")
        #expect(try reason(tar([config, entry])) == "\"link\" is \(what), and only files and directories are taken")
    }

    @Test func refusesALinkInAZip() throws {
        let entry = ArchiveEntry("link", Array("/etc/passwd".utf8), mode: 0o120777)
        #expect(
            try reason(zip([config, entry]), name: "m.zip") == #""link" is a symbolic link, and only files and directories are taken"#)
    }

    @Test func refusesALinkInPlaceOfTheDirectoryItself() throws {
        #expect(try reason(tar([ArchiveEntry(".", kind: "2", target: "/etc"), config])).contains("a symbolic link"))
    }

    @Test func refusesNamesThatComeTwice() throws {
        let file = ArchiveEntry("a", [1])
        #expect(try reason(tar([file, file])) == #""a" is there twice"#)
        #expect(try reason(tar([file, ArchiveEntry("./a", [1])])) == #""a" is there twice"#)
        #expect(try reason(tar([ArchiveEntry("a/", kind: "5"), ArchiveEntry("a/", kind: "5")])) == #""a" is there twice"#)
        #expect(try reason(tar([ArchiveEntry("./", kind: "5"), ArchiveEntry(".", kind: "5")])) == #""" is there twice"#)
        #expect(try reason(tar([ArchiveEntry("a/b", [1]), file])) == #""a" is there twice"#)
        #expect(try reason(tar([file, ArchiveEntry("a/b", [1])])) == #""a" is there twice, as a file and as a directory"#)
    }

    @Test func refusesControlCharacters() throws {
        #expect(try reason(tar([ArchiveEntry("a\u{1B}[2J", [1])])) == #""a\u001b[2J" has a control character in its name"#)
    }

    @Test func refusesDeepDirectories() throws {
        let name = String(repeating: "d/", count: 49) + "f"
        try unpack(tar([ArchiveEntry(name, [1])]))
        #expect(
            try reason(zip([ArchiveEntry(String(repeating: "d/", count: 64) + "f", [1])]), name: "m.zip").contains(
                "more than 64 directories deep"))
    }

    @Test func refusesMoreBytesThanTheLimit() throws {
        let limit = config.data.count + weights.data.count - 1
        let expected = #""model/sub/é.bin" brings the files to more bytes than they may have"#
        #expect(try reason(tar([config, weights]), limit: limit) == expected)
        #expect(try reason(zip([config, weights]), name: "m.zip", limit: limit) == expected)
    }

    /// A header that promises 4 GiB of which nothing is there, and one that hides a gigabyte of holes.
    @Test func believesNoHeader() throws {
        #expect(try !reason(tar([ArchiveEntry("a", [1], statedSize: 1 << 32)])).isEmpty)
        let sparse = "22\u{20}GNU.sparse.major=1\n" + "22\u{20}GNU.sparse.minor=0\n" + "33\u{20}GNU.sparse.realsize=1073741824\n"
        var map = Array("1\n1073741823\n1\n".utf8)
        map += [UInt8](repeating: 0, count: 512 - map.count) + [1]
        let entries = [ArchiveEntry("PaxHeader", Array(sparse.utf8), kind: "x"), ArchiveEntry("holes", map)]
        #expect(try reason(tar(entries)) == #""holes" brings the files to more bytes than they may have"#)
    }

    @Test func refusesTruncatedArchives() throws {
        let whole = tar([config, weights])
        for cut in [1, 511, 513, 1_200, 2_000, 40_000] { #expect(try !reason(Array(whole.prefix(cut))).isEmpty) }
        #expect(try !reason(gzip(whole).dropLast(20_000) + [], name: "m.tar.gz").isEmpty)
        #expect(try !reason(zstandard(whole).dropLast(20_000) + [], name: "m.tar.zst").isEmpty)
        #expect(try !reason(zip([config, weights]).dropLast(20_000) + [], name: "m.zip").isEmpty)
    }

    /// Cut between two files, or after the last: what is there is whole, but it is not all.
    @Test func refusesATarWithoutItsEnd() throws {
        let whole = tar([config, ArchiveEntry("model/sub/", kind: "5"), weights])
        let expected = "it ends too early: the mark of its end is missing"
        for cut in [1_024, 1_536, whole.count - 1_024] {
            #expect(try reason(Array(whole.prefix(cut))) == expected)
            #expect(try reason(gzip(Array(whole.prefix(cut))), name: "m.tar.gz") == expected)
            #expect(try reason(zstandard(Array(whole.prefix(cut))), name: "m.tar.zst") == expected)
        }
        // One block of zeros says it too.
        try unpack(Array(whole.dropLast(512)), then: checkModel)
    }

    @Test func countsWhatComesOut() throws {
        try withScratchDirectory { scratch in
            try write(tar([config, weights]), to: scratch.appending("m.tar"))
            try FileSystem.createDirectory(scratch.appending("out"))
            let contents = try Archive.unpack(scratch.appending("m.tar"), into: scratch.appending("out"), limit: 1 << 20)
            #expect(contents.files == 2 && contents.bytes == config.data.count + weights.data.count)
        }
    }

    @Test func refusesADamagedZip() throws {
        var bytes = zip([weights])
        bytes[1_000] ^= 1
        #expect(try !reason(bytes, name: "m.zip").isEmpty)
    }

    @Test func refusesWhatIsNoArchive() throws {
        #expect(try !reason([]).isEmpty)
        #expect(try !reason(Array("not an archive".utf8)).isEmpty)
        #expect(try !reason(tar([config]), name: "m.zip").isEmpty)
        #expect(try !reason(gzip(tar([config])), name: "m.tar").isEmpty)
        #expect(try reason(tar([config]), name: "m.tar.gz") == "it should be one gzip stream, as its name says, and is not")
        #expect(try reason(zstandard(zstandard(tar([config]))), name: "m.tar.zst").contains("one Zstandard stream"))
        #expect(try reason(tar([config]), name: "m.rar").contains(".tar.gz"))
    }

    @Test func refusesAnArchiveWithoutFiles() throws {
        #expect(try reason(tar([])) == "there is no file in it")
        #expect(try reason(tar([ArchiveEntry("a/", kind: "5")])) == "there is no file in it")
    }

    @Test func refusesMoreEntriesThanTheLimit() throws {
        let entries = [ArchiveEntry("a/b/c", [1]), ArchiveEntry("a/", kind: "5"), ArchiveEntry("a/d", [1])]
        try unpack(tar(entries), entryLimit: 4)
        #expect(try reason(tar(entries), entryLimit: 3) == #""a/d" is one file or directory more than the 3 that may be there"#)
        #expect(try reason(tar(entries), entryLimit: 2) == #""a/b/c" is one file or directory more than the 2 that may be there"#)
        #expect(try reason(tar(entries), entryLimit: 1) == #""a/b" is one file or directory more than the 1 that may be there"#)
    }

    @Test func wantsAnEmptyDirectoryAndAFile() throws {
        try withScratchDirectory { directory in
            let path = directory.appending("m.tar")
            let missing = try #require(throws: StorageError.self) { try Archive.unpack(path, into: directory, limit: 1) }
            guard case .missing = missing else { throw missing }
            try write(tar([config]), to: path)
            let full = try #require(throws: StorageError.self) { try Archive.unpack(path, into: directory, limit: 1) }
            guard case .outputExists = full else { throw full }
        }
    }
}
