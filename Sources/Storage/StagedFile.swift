internal import SystemPackage

/// A file of a staged directory, written from start to end.
package final class StagedFile {
    private let path: FilePath
    private let name: String
    private let journal: StagingJournal
    private let descriptor: FileDescriptor
    private var isOpen = true

    init(_ path: FilePath, name: String, journal: StagingJournal) throws(StorageError) {
        self.path = path
        self.name = name
        self.journal = journal
        do {
            descriptor = try FileDescriptor.open(
                path, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
                permissions: [.ownerReadWrite, .groupRead, .otherRead])
        } catch {
            throw .cannotCreate(path, (error as? Errno) ?? .ioError)
        }
    }

    deinit { if isOpen { try? descriptor.close() } }

    package func write(_ bytes: [UInt8]) throws(StorageError) { try write(bytes.span) }

    package func write(_ bytes: Span<UInt8>) throws(StorageError) {
        do { try FileSystem.append(bytes, to: descriptor) } catch { throw .unwritable(path, error) }
    }

    /// All of another file.
    package func write(contentsOf source: InputFile) throws(StorageError) { try source.append(to: descriptor, named: path) }

    /// Syncs and closes: an error of the disk shows here at the latest. The file counts as finished from now on.
    package func finish() throws(StorageError) {
        try FileSystem.sync(path)
        isOpen = false
        do { try descriptor.close() } catch { throw .unwritable(path, (error as? Errno) ?? .ioError) }
        try journal.finish(name)
    }
}
