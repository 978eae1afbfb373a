package import SystemPackage

/// An archive's contents in a directory of their own, for as long as this lives.
package final class UnpackedArchive: Sendable {
    package let directory: FilePath

    /// The most an archive may hold, in bytes.
    private static let largest = 1 << 42

    /// Unpacks into a new directory beneath `place`.
    package init(_ archive: FilePath, in place: FilePath) throws(StorageError) {
        directory = place.appending(".excise-unpacked-\(FileSystem.processIdentifier)-\(UInt64.random(in: 0...UInt64.max))")
        try FileSystem.createDirectory(directory)
        do { try Archive.unpack(archive, into: directory, limit: Self.largest) } catch {
            FileSystem.remove(directory)
            throw error
        }
    }

    deinit { FileSystem.remove(directory) }

    /// Where the model lies: the directory itself, or the only directory in it.
    package var root: FilePath {
        let names = (try? FileSystem.names(in: directory)) ?? []
        guard names.count == 1 else { return directory }
        let inner = directory.appending(names[0])
        return FileSystem.kind(of: inner) == .directory ? inner : directory
    }
}
