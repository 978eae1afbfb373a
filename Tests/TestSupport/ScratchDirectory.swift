internal import Foundation
internal import Storage
package import SystemPackage

/// Runs `body` in an empty directory of its own, which is removed afterwards.
package func withScratchDirectory<Result>(_ body: (FilePath) throws -> Result) throws -> Result {
    let directory = FilePath(FileManager.default.temporaryDirectory.path).appending("excise-test-\(UUID().uuidString)")
    try FileSystem.createDirectory(directory)
    defer { FileSystem.remove(directory) }
    return try body(directory)
}

package func write(_ bytes: [UInt8], to path: FilePath) throws {
    let file = try FileDescriptor.open(path, .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
    try _ = file.closeAfter { try file.writeAll(bytes) }
}

/// The contents of every file of a directory, by name.
package func contents(of directory: FilePath) throws -> [String: [UInt8]] {
    var contents: [String: [UInt8]] = [:]
    for name in try FileSystem.names(in: directory) { contents[name] = try InputFile.contents(of: directory.appending(name)) }
    return contents
}
