import Foundation
import Storage
import SystemPackage
import TestSupport
import Testing

struct AtomicFileTests {
    @Test func appearsWhenItIsCommitted() throws {
        try withScratchDirectory { directory in
            let path = directory.appending("out.bin")
            do {
                let file = try AtomicFile(path, replacing: false)
                try file.write([4, 5], at: 3)
                try file.write([1, 2, 3], at: 0)
                #expect(FileSystem.kind(of: path) == nil)
                try file.commit()
            }
            #expect(try InputFile.contents(of: path) == [1, 2, 3, 4, 5])
            #expect(try FileSystem.names(in: directory) == ["out.bin"])
        }
    }

    @Test func leavesNothingUncommitted() throws {
        try withScratchDirectory { directory in
            do { try AtomicFile(directory.appending("out.bin"), replacing: false).write([1], at: 0) }
            #expect(try FileSystem.names(in: directory).isEmpty)
        }
    }

    /// What a killed process left is removed; what another still writes, and files of no process's, are not.
    @Test func removesWhatNobodyWrites() throws {
        try withScratchDirectory { directory in
            let others = [".other.partial-1", ".out.bin.partial-2", ".out.bin.partial-notes"]
            for name in others + [".out.bin.partial-1"] { try write([1], to: directory.appending(name)) }
            let written = try FileHandle(forReadingFrom: URL(filePath: directory.appending(".out.bin.partial-2").string))
            #expect(flock(written.fileDescriptor, LOCK_EX | LOCK_NB) == 0)
            let file = try AtomicFile(directory.appending("out.bin"), replacing: false)
            try file.commit()
            #expect(try FileSystem.names(in: directory).sorted() == others + ["out.bin"])
            try written.close()
        }
    }

    @Test func replacesOnlyWhatItMay() throws {
        try withScratchDirectory { directory in
            let path = directory.appending("out.bin")
            try write([9], to: path)
            let error = try #require(throws: StorageError.self) { try AtomicFile(path, replacing: false) }
            guard case .outputExists(path) = error else { throw error }
            #expect(error.fault == .cannotCreate)
            do {
                let file = try AtomicFile(path, replacing: true)
                try file.write([1], at: 0)
                #expect(try InputFile.contents(of: path) == [9])
                try file.commit()
            }
            #expect(try InputFile.contents(of: path) == [1])
            #expect(try FileSystem.names(in: directory) == ["out.bin"])
        }
    }

    /// What it would have replaced is still there.
    @Test func keepsTheOldOneUncommitted() throws {
        try withScratchDirectory { directory in
            let path = directory.appending("out.bin")
            try write([9], to: path)
            do { try AtomicFile(path, replacing: true).write([1], at: 0) }
            #expect(try InputFile.contents(of: path) == [9])
        }
    }

    @Test func wantsADirectoryToLieIn() throws {
        try withScratchDirectory { directory in
            let error = try #require(throws: StorageError.self) {
                try AtomicFile(directory.appending("none").appending("out"), replacing: true)
            }
            #expect(error.kind == "cannot-create")
        }
    }

    @Test func doesNotReplaceADirectory() throws {
        try withScratchDirectory { directory in
            let path = directory.appending("out")
            try FileSystem.createDirectory(path)
            do {
                let file = try AtomicFile(path, replacing: true)
                #expect(throws: StorageError.self) { try file.commit() }
            }
            #expect(try FileSystem.names(in: directory) == ["out"])
            #expect(FileSystem.kind(of: path) == .directory)
        }
    }
}
