import Storage
import SystemPackage
import TestSupport
import Testing

struct FileTreeTests {
    private let config = ArchiveEntry("config.json", Array("{}".utf8))
    private let weights = ArchiveEntry("é.bin", (0..<70_000).map { UInt8(truncatingIfNeeded: $0 &* 7) })

    /// Opens the bytes as an archive of that name.
    private func withTree(_ bytes: [UInt8], name: String, _ check: (FileTree, FilePath) throws -> Void) throws {
        try withScratchDirectory { directory in
            let path = directory.appending(name)
            try write(bytes, to: path)
            let tree = try FileTree(archive: path, scratch: directory)
            // Scratch files have no names.
            #expect(try FileSystem.names(in: directory) == [name])
            try check(tree, path)
        }
    }

    private func checkModel(_ tree: FileTree, _ inner: String, at path: FilePath) throws {
        #expect(tree.path == path)
        #expect(tree.names == ["config.json", "é.bin"])
        let file = try tree.file("é.bin")
        #expect(file.size == weights.data.count)
        let isEqual = try file.contents() == weights.data
        #expect(isEqual)
        #expect(try file.bytes(at: 65_000, count: 5) == Array(weights.data[65_000..<65_005]))
        #expect(try tree.file("config.json").contents() == config.data)
        #expect(file.path == path.pushing(FilePath(inner)).appending("é.bin"))
        #expect(throws: StorageError.self) { try tree.file("none") }
        #expect(throws: StorageError.self) { try file.bytes(at: weights.data.count - 1, count: 2) }
    }

    private var entries: [ArchiveEntry] { [ArchiveEntry("./", kind: "5"), config, weights] }

    @Test func readsATarWhereItLies() throws {
        try withTree(tar(entries), name: "m.tar") { tree, path in
            try checkModel(tree, "", at: path)
            // What is written into the archive afterwards shows: nothing was copied.
            let position = 512 + 512 + 512 + 512
            var changed = try InputFile.contents(of: path)
            #expect(changed[position] == weights.data[0])
            changed[position] ^= 0xFF
            let descriptor = try FileDescriptor.open(path, .writeOnly)
            defer { try? descriptor.close() }
            _ = try descriptor.writeAll(changed)
            #expect(try tree.file("é.bin").bytes(count: 1) == [weights.data[0] ^ 0xFF])
        }
    }

    @Test(arguments: ["m.tar", "m.tar.gz", "m.tar.zst", "m.zip"])
    func readsEveryContainer(_ name: String) throws {
        let inner = entries.map { ArchiveEntry("model/" + $0.name, $0.data, kind: $0.kind) }
        for (list, place) in [(entries, ""), (inner, "model")] {
            let list = name.hasSuffix("zip") ? Array(list.dropFirst()) : list
            let bytes =
                switch name {
                case "m.tar.gz": gzip(tar(list))
                case "m.tar.zst": zstandard(tar(list))
                case "m.zip": zip(list)
                default: tar(list)
                }
            try withTree(bytes, name: name) { tree, path in try checkModel(tree, place, at: path) }
        }
    }

    /// Long names bring headers of their own before the file's (pax): the bytes lie behind all of them.
    @Test func findsTheBytesBehindExtendedHeaders() throws {
        let name = String(repeating: "n", count: 150)
        let record = " path=\(name)\n"
        let extended = ArchiveEntry("x", Array("\(record.utf8.count + 3)\(record)".utf8), kind: "x")
        try withTree(tar([extended, ArchiveEntry("short", [1, 2, 3]), config]), name: "m.tar") { tree, _ in
            #expect(tree.names == ["config.json", name])
            let contents = try tree.file(name).contents()
            #expect(contents == [1, 2, 3])
        }
    }

    @Test func seesOnlyTheTop() throws {
        let deeper = ArchiveEntry("original/params.json", Array("[]".utf8))
        try withTree(tar([config, deeper]), name: "m.tar") { tree, _ in #expect(tree.names == ["config.json"]) }
        try withScratchDirectory { directory in
            try FileSystem.createDirectory(directory.appending("original"))
            try write([1], to: directory.appending("a"))
            let tree = try FileTree(directory: directory)
            #expect(tree.names == ["a"])
            #expect(try tree.file("a").contents() == [1])
            #expect(!tree.contains("b"))
        }
    }

    @Test(arguments: ["../evil", "/evil", "a/../../evil", "a\u{7}"])
    func refusesNamesThatLeadOut(_ name: String) throws {
        try withScratchDirectory { directory in
            try write(tar([config, ArchiveEntry(name, [1])]), to: directory.appending("m.tar"))
            let error = try #require(throws: StorageError.self) {
                try FileTree(archive: directory.appending("m.tar"), scratch: directory)
            }
            #expect(error.kind == "malformed-archive")
        }
    }

    @Test func refusesATarCutInAFile() throws {
        try withScratchDirectory { directory in
            try write(Array(tar([weights]).prefix(40_000)), to: directory.appending("m.tar"))
            let error = try #require(throws: StorageError.self) {
                try FileTree(archive: directory.appending("m.tar"), scratch: directory)
            }
            #expect(error.fault == .malformedInput)
        }
    }

    @Test func wantsADirectory() throws {
        try withScratchDirectory { directory in
            try write([1], to: directory.appending("a"))
            let error = try #require(throws: StorageError.self) { try FileTree(directory: directory.appending("a")) }
            #expect(error.kind == "not-a-directory")
            let missing = try #require(throws: StorageError.self) { try FileTree(directory: directory.appending("b")) }
            #expect(missing.kind == "missing-file")
        }
    }
}
