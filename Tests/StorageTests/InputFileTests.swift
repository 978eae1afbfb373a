import Storage
import SystemPackage
import TestSupport
import Testing

struct InputFileTests {
    private let contents: [UInt8] = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 7) }

    private func withFile(_ body: (FilePath) throws -> Void) throws {
        try withScratchDirectory { directory in
            let path = directory.appending("data")
            try write(contents, to: path)
            try body(path)
        }
    }

    private func kind(_ body: () throws -> Void) throws -> String { try #require(throws: StorageError.self, performing: body).kind }

    @Test func readsAtAnyOffset() throws {
        try withFile { path in
            let file = try InputFile(path)
            #expect(file.size == 1000)
            #expect(try file.bytes(count: 1000) == contents)
            #expect(try file.bytes(at: 990, count: 10) == Array(contents[990...]))
            #expect(try file.bytes(at: 3, count: 1) == [21])
            #expect(try file.bytes(at: 1000, count: 0).isEmpty)
            #expect(try InputFile.contents(of: path) == contents)
        }
    }

    @Test func readsBeyondTheEndAreAnError() throws {
        try withFile { path in
            let error = try #require(throws: StorageError.self) { try InputFile(path).bytes(at: 995, count: 6) }
            guard case .truncated(path, expected: 1001, found: 1000) = error else { throw error }
            #expect(error.fault == .malformedInput)
            #expect(try kind { _ = try InputFile(path).bytes(at: 2000, count: 1) } == "truncated-file")
        }
    }

    /// A file that shrinks while it is read is an error, and no signal.
    @Test func noticesAFileThatShrinks() throws {
        try withFile { path in
            let file = try InputFile(path)
            try write(Array(contents[..<500]), to: path)
            #expect(try file.bytes(count: 500) == Array(contents[..<500]))
            #expect(try kind { _ = try file.bytes(count: 1000) } == "truncated-file")
            #expect(try kind { _ = try file.sha256() } == "truncated-file")
        }
    }

    @Test func missesWhatIsNotThere() throws {
        try withFile { path in
            for missing in [path.removingLastComponent().appending("other"), path.appending("below")] {
                let error = try #require(throws: StorageError.self) { try InputFile(missing) }
                guard case .missing(missing) = error else { throw error }
                #expect(error.fault == .missingInput)
            }
        }
    }

    @Test func opensOnlyFiles() throws {
        try withFile { path in
            let directory = path.removingLastComponent()
            let error = try #require(throws: StorageError.self) { try InputFile(directory) }
            guard case .notAFile(directory) = error else { throw error }
            #expect(error.fault == .malformedInput)
        }
    }

    @Test func boundsWhatIsReadWhole() throws {
        try withFile { path in
            #expect(try InputFile.contents(of: path, limit: 1000) == contents)
            let error = try #require(throws: StorageError.self) { try InputFile.contents(of: path, limit: 999) }
            guard case .tooLarge(path, limit: 999) = error else { throw error }
        }
    }

    @Test func readsJSONAndNamesTheFileThatIsNone() throws {
        try withFile { path in
            let error = try #require(throws: StorageError.self) { try InputFile.json(path) }
            #expect(error.kind == "json-syntax")
            #expect(error.description.hasPrefix("\(path) is not JSON at byte 0"))
            try write(Array(#" {"a":[1]} "#.utf8), to: path)
            #expect(try InputFile.json(path).serialized() == #"{"a":[1]}"#)
        }
    }

    @Test(arguments: [0, 4, 6])
    func knowsAFileThatStayed(_ count: Int) throws {
        try withScratchDirectory { directory in
            let path = directory.appending("x")
            try write([1, 2, 3, 4, 5, 6], to: path)
            let file = try InputFile(path)
            #expect(try file.settledBytes(count: count) == Array([1, 2, 3, 4, 5, 6].prefix(count)))
            let writer = try FileDescriptor.open(path, .readWrite)
            try writer.closeAfter {
                try writer.resize(to: 5)
                #expect(try file.settledBytes(count: count) == nil)
                try writer.resize(to: 7)
                #expect(try file.settledBytes(count: count) == nil)
                try writer.resize(to: 6)
                #expect(try file.settledBytes(count: count)?.count == count)
            }
        }
    }
}
