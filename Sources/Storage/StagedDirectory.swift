package import SystemPackage

/// A directory that appears whole or not at all: written beside its place, synced, and renamed when it is complete.
///
/// If it is not committed, everything written is removed.
package final class StagedDirectory {
    package let path: FilePath
    private let staging: FilePath
    private var isCommitted = false

    /// - Parameter replacing: whether something at `path` may be replaced. Throws `outputExists` otherwise, before any work.
    package init(_ path: FilePath, replacing: Bool) throws(StorageError) {
        let parent = path.removingLastComponent()
        let place = parent.isEmpty ? FilePath(".") : parent
        if FileSystem.kind(of: path) != nil && !replacing { throw .outputExists(path) }
        guard let name = path.lastComponent?.string, FileSystem.kind(of: place) == .directory else {
            throw .cannotCreate(path, .noSuchFileOrDirectory)
        }
        self.path = path
        staging = place.appending(".\(name).partial-\(FileSystem.processIdentifier)")
        try FileSystem.createDirectory(staging)
    }

    deinit { if !isCommitted { FileSystem.remove(staging) } }

    /// Where scratch files may lie: on the disk that the output goes to.
    package var scratch: FilePath { staging }

    /// A new file in it.
    package func create(_ name: String) throws(StorageError) -> StagedFile { try StagedFile(staging.appending(name)) }

    /// Puts the directory in its place. What was there before is set aside first and removed after.
    package func commit() throws(StorageError) {
        try FileSystem.sync(staging)
        let parent = path.removingLastComponent()
        let aside = staging.removingLastComponent().appending(
            ".\(path.lastComponent?.string ?? "").replaced-\(FileSystem.processIdentifier)")
        let replaces = FileSystem.kind(of: path) != nil
        if replaces { try FileSystem.rename(path, to: aside) }
        do { try FileSystem.rename(staging, to: path) } catch {
            if replaces { try? FileSystem.rename(aside, to: path) }
            throw error
        }
        isCommitted = true
        try FileSystem.sync(parent.isEmpty ? FilePath(".") : parent)
        if replaces { FileSystem.remove(aside) }
    }
}

/// A file of a staged directory, written from start to end.
package final class StagedFile {
    private let path: FilePath
    private let descriptor: FileDescriptor
    private var isOpen = true

    package init(_ path: FilePath) throws(StorageError) {
        self.path = path
        do {
            descriptor = try FileDescriptor.open(
                path, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
                permissions: [.ownerReadWrite, .groupRead, .otherRead])
        } catch {
            throw .cannotCreate(path, (error as? Errno) ?? .ioError)
        }
    }

    deinit { if isOpen { try? descriptor.close() } }

    package func write(_ bytes: [UInt8]) throws(StorageError) {
        do { _ = try descriptor.writeAll(bytes) } catch { throw .unwritable(path, (error as? Errno) ?? .ioError) }
    }

    /// Syncs and closes: an error of the disk shows here at the latest.
    package func finish() throws(StorageError) {
        do {
            try FileSystem.sync(path)
            isOpen = false
            try descriptor.close()
        } catch let error as StorageError {
            throw error
        } catch { throw .unwritable(path, (error as? Errno) ?? .ioError) }
    }
}
