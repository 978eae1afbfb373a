import Foundation
import Storage
import SystemPackage
import TestSupport
import Testing

struct PackingListTests {
    /// Lists what `make` puts into a directory.
    private func list(_ make: (FilePath) throws -> Void) throws -> PackingList {
        try withScratchDirectory { scratch in
            let top = scratch.appending("top")
            try FileSystem.createDirectory(top)
            try make(top)
            return try PackingList(top, for: scratch.appending("m.tar"))
        }
    }

    private func reason(_ make: (FilePath) throws -> Void) throws -> String {
        let error = try #require(throws: StorageError.self) { _ = try list(make) }
        guard case .notPackable(_, let reason) = error else { throw error }
        return reason
    }

    private func link(_ path: FilePath, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: path.string, withDestinationPath: target)
    }

    @Test func listsFilesInTheOrderOfTheirNames() throws {
        let list = try list { top in
            for directory in ["b", "b/deep", "empty"] { try FileSystem.createDirectory(top.appending(directory)) }
            for name in ["é", "b/deep/x", "b.txt", "Z", "b/y", "a", ".hidden"] { try write([1, 2], to: top.pushing(FilePath(name))) }
        }
        #expect(list.files.map(\.name) == [".hidden", "Z", "a", "b.txt", "b/deep/x", "b/y", "é"])
        #expect(list.bytes == 14)
    }

    /// As the Hugging Face cache has them.
    @Test func followsLinksToFiles() throws {
        let list = try list { top in
            try write([1, 2, 3], to: top.appending("../blob").lexicallyNormalized())
            try link(top.appending("model.safetensors"), to: "../blob")
        }
        #expect(list.files.map(\.name) == ["model.safetensors"])
        #expect(list.bytes == 3)
    }

    @Test func refusesOtherLinks() throws {
        #expect(try reason { try link($0.appending("a"), to: "..") } == #""a" is a link to a directory"#)
        #expect(try reason { try link($0.appending("a"), to: "nowhere") } == #""a" is a link to what cannot be reached"#)
        #expect(try reason { try link($0.appending("a"), to: "a") } == #""a" is a link to what cannot be reached"#)
        #expect(try reason { try link($0.appending("a"), to: "/dev/null") } == #""a" is neither a file nor a directory"#)
    }

    @Test func refusesPipesAndControlCharacters() throws {
        let pipe = try reason { _ = unsafe mkfifo($0.appending("pipe").string, 0o600) }
        #expect(pipe == #""pipe" is neither a file nor a directory"#)
        #expect(try reason { try write([1], to: $0.appending("a\nb")) } == #""a\nb" has a control character in its name"#)
    }

    @Test func refusesWhatHasNoFiles() throws {
        #expect(try reason { _ in } == "there is no file in it")
        #expect(try reason { try FileSystem.createDirectory($0.appending("empty")) } == "there is no file in it")
        try withScratchDirectory { scratch in
            let archive = scratch.appending("m.tar")
            let missing = try #require(throws: StorageError.self) { _ = try PackingList(scratch.appending("no"), for: archive) }
            #expect(missing.kind == "missing-file")
            try write([1], to: scratch.appending("file"))
            let file = try #require(throws: StorageError.self) { _ = try PackingList(scratch.appending("file"), for: archive) }
            #expect(file.kind == "not-packable")
        }
    }

    @Test func refusesAnArchiveWithinTheDirectory() throws {
        try withScratchDirectory { scratch in
            try FileSystem.createDirectory(scratch.appending("inner"))
            try write([1], to: scratch.appending("inner").appending("a"))
            for place in ["m.tar", "inner/m.tar", "inner/../m.tar"] {
                let error = try #require(throws: StorageError.self) { _ = try PackingList(scratch, for: scratch.pushing(FilePath(place))) }
                #expect(error.description.contains("put it elsewhere"))
            }
        }
    }

    @Test func refusesDeepDirectories() throws {
        let deep = try reason { top in
            var directory = top
            for _ in 0..<64 {
                directory.append("d")
                try FileSystem.createDirectory(directory)
            }
            try write([1], to: directory.appending("f"))
        }
        #expect(deep.hasSuffix("is more than 64 directories deep"))
    }
}
