import Foundation
import Storage
import SystemPackage
import TestSupport
import Testing

struct PackedArchiveTests {
    private static let names = ["m.tar", "m.tar.gz", "m.tgz", "m.tar.zst", "m.zip"]
    private static let long = String(repeating: "d", count: 120) + "/" + String(repeating: "f", count: 150)
    /// By name, in the order of an archive. More than one block of the compressors; a name that no ustar header holds; one that is not ASCII.
    private static let files: [(name: String, bytes: [UInt8])] = [
        ("config.json", Array("{}".utf8)), (long, [1, 2, 3]), ("empty.bin", []),
        ("model.safetensors", (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 * $0 >> 7) }), ("sub/é.txt", [4]),
    ]

    /// Makes the directory, its files in the given order, and packs it.
    private func pack(
        _ name: String, in scratch: FilePath, order: [Int] = [0, 1, 2, 3, 4], time: Int = 0, level: Int? = nil, threads: Int = 1,
        changing change: (FilePath) throws -> Void = { _ in }
    ) throws -> [UInt8] {
        let top = scratch.appending("top")
        FileSystem.remove(top)
        try FileSystem.createDirectory(top)
        for index in order {
            let path = top.pushing(FilePath(Self.files[index].name))
            if path.removingLastComponent() != top { try FileSystem.createDirectory(path.removingLastComponent()) }
            try write(Self.files[index].bytes, to: path)
        }
        try change(top)
        let path = scratch.appending(name)
        let output = try AtomicFile(path, replacing: true)
        let packed = try PackedArchive.write(PackingList(top, for: path), to: output, level: level, threads: threads, time: time)
        try output.commit()
        let bytes = try InputFile.contents(of: path)
        #expect(packed.files == 5 && packed.bytes == Self.files.reduce(0) { $0 + $1.bytes.count } && packed.size == bytes.count)
        #expect(packed.sha256 == (try InputFile(path).sha256()))
        return bytes
    }

    @Test(arguments: names)
    func theSameFilesGiveTheSameBytes(_ name: String) throws {
        try withScratchDirectory { scratch in
            let first = try pack(name, in: scratch)
            for threads in [2, 3] {
                let again = try pack(name, in: scratch, order: [4, 2, 0, 3, 1], threads: threads) { top in
                    for (index, file) in Self.files.enumerated() {
                        let attributes: [FileAttributeKey: Any] = [
                            .modificationDate: Date(timeIntervalSince1970: 1e9 + Double(index)), .posixPermissions: 0o700,
                        ]
                        try FileManager.default.setAttributes(attributes, ofItemAtPath: top.pushing(FilePath(file.name)).string)
                    }
                }
                #expect((first == again) == true)
            }
        }
    }

    @Test(arguments: names)
    func comesBack(_ name: String) throws {
        try withScratchDirectory { scratch in
            _ = try pack(name, in: scratch, level: name == "m.tar" ? nil : 1)
            let out = scratch.appending("out")
            try FileSystem.createDirectory(out)
            try Archive.unpack(scratch.appending(name), into: out, limit: 1 << 22)
            for file in Self.files { #expect((try InputFile.contents(of: out.pushing(FilePath(file.name))) == file.bytes) == true) }
            #expect(try FileSystem.names(in: out).count == 5)
        }
    }

    /// In a tar, and in a zip for weights, the bytes lie as they are.
    @Test(arguments: ["m.tar", "m.zip"])
    func weightsLieInPlace(_ name: String) throws {
        try withScratchDirectory { scratch in
            let archive = Data(try pack(name, in: scratch))
            #expect(archive.range(of: Data(Self.files[3].bytes)) != nil)
        }
    }

    @Test func aGzipHeaderHasNoTimeAndNoName() throws {
        try withScratchDirectory { scratch in
            let bytes = try pack("m.tar.gz", in: scratch, time: 5)
            #expect(Array(bytes.prefix(8)) == [0x1F, 0x8B, 8, 0, 0, 0, 0, 0])
        }
    }

    /// What Python's own readers see: name, size, mode, owner, group, their names, time; of a zip also how each is stored.
    @Test(arguments: names)
    func pythonReadsIt(_ name: String) throws {
        let script = """
            import sys, tarfile, zipfile
            name = sys.argv[1]
            if name.endswith(".zip"):
                archive = zipfile.ZipFile(name)
                assert archive.testzip() is None
                for entry in archive.infolist():
                    print(entry.filename, entry.file_size, oct(entry.external_attr >> 16), entry.date_time, entry.compress_type)
            else:
                for entry in tarfile.open(name):
                    print(entry.name, entry.size, oct(entry.mode), entry.uid, entry.gid, repr(entry.uname), repr(entry.gname), entry.mtime, entry.type)
            """
        // Python 3.11 has no Zstandard.
        guard name != "m.tar.zst", FileManager.default.fileExists(atPath: "/usr/bin/python3") else { return }
        try withScratchDirectory { scratch in
            _ = try pack(name, in: scratch, time: 1_234_567_890)
            let python = Process()
            python.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
            python.arguments = ["-X", "utf8", "-c", script, scratch.appending(name).string]
            let output = Pipe()
            python.standardOutput = output
            try python.run()
            let found = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            python.waitUntilExit()
            let expected = Self.files.map { file in
                name == "m.zip"
                    ? "\(file.name) \(file.bytes.count) 0o100644 (1980, 1, 1, 0, 0, 0) \(["model.safetensors", "empty.bin"].contains(file.name) ? 0 : 8)\n"
                    : "\(file.name) \(file.bytes.count) 0o644 0 0 '' '' 1234567890 b'0'\n"
            }
            #expect(found == expected.joined())
        }
    }

    @Test func refusesOtherNames() throws {
        try withScratchDirectory { scratch in
            let error = try #require(throws: StorageError.self) { _ = try pack("m.rar", in: scratch) }
            #expect(error.kind == "not-packable")
            #expect(try FileSystem.names(in: scratch) == ["top"])
        }
    }

    /// The file shrank after it was listed; what was written until then is not left.
    @Test func leavesNothingOfWhatItCannotRead() throws {
        try withScratchDirectory { scratch in
            let top = scratch.appending("top")
            try FileSystem.createDirectory(top)
            try write([1, 2, 3], to: top.appending("a"))
            try write([1, 2, 3], to: top.appending("b"))
            let list = try PackingList(top, for: scratch.appending("m.tar"))
            FileSystem.remove(top.appending("b"))
            let error = try #require(throws: StorageError.self) {
                _ = try PackedArchive.write(list, to: AtomicFile(scratch.appending("m.tar"), replacing: false))
            }
            #expect(error.kind == "missing-file")
            #expect(try FileSystem.names(in: scratch) == ["top"])
        }
    }
}
