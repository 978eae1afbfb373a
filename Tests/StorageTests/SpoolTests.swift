import Storage
import SystemPackage
import TestSupport
import Testing

struct SpoolTests {
    @Test func givesBackWhatWasPutAside() throws {
        try withScratchDirectory { directory in
            var spool = try Spool(in: directory)
            let block = (0..<700_000).map { UInt8(truncatingIfNeeded: $0) }
            for _ in 0..<3 { try spool.append(block) }
            try spool.append([])
            var found: [UInt8] = []
            try spool.forEachBlock { found += $0 }
            #expect((found == block + block + block) == true)
            #expect(try FileSystem.names(in: directory).isEmpty)
        }
    }

    @Test func needsADirectory() throws {
        try withScratchDirectory { directory in
            let missing = directory.appending("missing")
            #expect(throws: StorageError.self) { _ = try Spool(in: missing) }
        }
    }
}
