import Storage
import SystemPackage
import TestSupport
import Testing

struct ScratchFileTests {
    private func read(_ file: ScratchFile, at offset: Int, _ count: Int) throws -> [Float] {
        var values = [Float](repeating: .nan, count: count)
        var span = values.mutableSpan
        try file.read(at: offset, into: &span)
        return values
    }

    @Test func hasNoName() throws {
        try withScratchDirectory { directory in
            let file = try ScratchFile(in: directory)
            try file.write([1, 2].span, at: 0)
            #expect(try FileSystem.names(in: directory).isEmpty)
            #expect(try read(file, at: 0, 2) == [1, 2])
        }
    }

    @Test func readsWhatWasWrittenWhereverItWas() throws {
        try withScratchDirectory { directory in
            let file = try ScratchFile(in: directory)
            let values = (0..<100_000).map { Float($0) / 3 }
            try file.write(values.span, at: 50)
            try file.write([-1, -2].span, at: 52)
            #expect(try read(file, at: 50, 4) == [values[0], values[1], -1, -2])
            #expect(try read(file, at: 54, 99_996) == Array(values[4...]))
            #expect(try read(file, at: 0, 50) == [Float](repeating: 0, count: 50))
            #expect(try read(file, at: 7, 0).isEmpty)
        }
    }

    @Test func keepsBits() throws {
        try withScratchDirectory { directory in
            let file = try ScratchFile(in: directory)
            let values: [Float] = [-0.0, .leastNonzeroMagnitude, .infinity, Float(bitPattern: 0x7FA0_0001)]
            try file.write(values.span, at: 3)
            #expect(try read(file, at: 3, 4).map(\.bitPattern) == values.map(\.bitPattern))
        }
    }

    @Test func readsBeyondTheEndAreAnErrorUntilItIsResized() throws {
        try withScratchDirectory { directory in
            let file = try ScratchFile(in: directory)
            try file.write([1].span, at: 0)
            let error = try #require(throws: StorageError.self) { try read(file, at: 0, 2) }
            #expect(error.kind == "truncated-file")
            try file.resize(to: 1000)
            #expect(try read(file, at: 0, 1000) == [1] + [Float](repeating: 0, count: 999))
            try file.resize(to: 0)
            #expect(throws: StorageError.self) { try read(file, at: 0, 1) }
        }
    }

    @Test func wantsADirectoryToLieIn() throws {
        try withScratchDirectory { directory in
            let error = try #require(throws: StorageError.self) { try ScratchFile(in: directory.appending("none")) }
            #expect(error.fault == .cannotCreate)
        }
    }
}
