import Storage
import SystemPackage
import TestSupport
import Testing

struct StagedDirectoryTests {
    private func fill(_ directory: StagedDirectory, _ name: String, _ pieces: [[UInt8]]) throws {
        let file = try directory.create(name)
        for piece in pieces { try file.write(piece) }
        try file.finish()
    }

    @Test func appearsWhenItIsCommitted() throws {
        try withScratchDirectory { place in
            let path = place.appending("out")
            do {
                let directory = try StagedDirectory(path, replacing: false)
                try fill(directory, "a", [[1], [], [2, 3]])
                try fill(directory, "b", [])
                #expect(FileSystem.kind(of: path) == nil)
                #expect(FileSystem.kind(of: directory.scratch) == .directory)
                try directory.commit()
            }
            #expect(try FileSystem.names(in: place) == ["out"])
            #expect(try FileSystem.names(in: path) == ["a", "b"])
            #expect(try InputFile.contents(of: path.appending("a")) == [1, 2, 3])
        }
    }

    @Test func leavesNothingUncommitted() throws {
        try withScratchDirectory { place in
            do {
                let directory = try StagedDirectory(place.appending("out"), replacing: false)
                try fill(directory, "a", [[1]])
                let open = try directory.create("b")
                try open.write([2])
            }
            #expect(try FileSystem.names(in: place).isEmpty)
        }
    }

    @Test(arguments: [false, true])
    func replacesOnlyWhatItMay(_ isDirectory: Bool) throws {
        try withScratchDirectory { place in
            let path = place.appending("out")
            if isDirectory {
                try FileSystem.createDirectory(path)
                try write([9], to: path.appending("old"))
            } else {
                try write([9], to: path)
            }
            let error = try #require(throws: StorageError.self) { try StagedDirectory(path, replacing: false) }
            guard case .outputExists(path) = error else { throw error }
            #expect(try FileSystem.names(in: place) == ["out"])
            do { try fill(StagedDirectory(path, replacing: true), "a", [[1]]) }
            #expect(FileSystem.kind(of: path) == (isDirectory ? .directory : .file))
            do {
                let directory = try StagedDirectory(path, replacing: true)
                try fill(directory, "a", [[1]])
                try directory.commit()
            }
            #expect(try FileSystem.names(in: place) == ["out"])
            #expect(try FileSystem.names(in: path) == ["a"])
        }
    }

    @Test func wantsADirectoryToLieIn() throws {
        try withScratchDirectory { place in
            for path in [place.appending("none").appending("out"), FilePath("")] {
                let error = try #require(throws: StorageError.self) { try StagedDirectory(path, replacing: true) }
                #expect(error.fault == .cannotCreate)
            }
        }
    }

    @Test func createsAFileOnlyOnce() throws {
        try withScratchDirectory { place in
            let directory = try StagedDirectory(place.appending("out"), replacing: false)
            try fill(directory, "a", [[1]])
            let error = try #require(throws: StorageError.self) { try directory.create("a") }
            #expect(error.kind == "cannot-create")
        }
    }
}
