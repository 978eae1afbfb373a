import Foundation
import Storage
import SystemPackage

/// Runs `body` in an empty directory of its own, which is removed afterwards.
func withScratchDirectory<Result>(_ body: (FilePath) throws -> Result) throws -> Result {
    let name = "excise-verification-\(FileSystem.processIdentifier)-\(UInt64.random(in: .min ... .max))"
    let directory = FilePath(FileManager.default.temporaryDirectory.path).appending(name)
    try FileSystem.createDirectory(directory)
    defer { FileSystem.remove(directory) }
    return try body(directory)
}

func write(_ bytes: [UInt8], to path: FilePath) throws {
    let file = try FileDescriptor.open(path, .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
    try _ = file.closeAfter { try file.writeAll(bytes) }
}
