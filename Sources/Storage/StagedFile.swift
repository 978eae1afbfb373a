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

    package func write(_ bytes: [UInt8]) throws(StorageError) {
        do { _ = try descriptor.writeAll(bytes) } catch { throw .unwritable(path, (error as? Errno) ?? .ioError) }
    }

    /// All of another file, by the kernel's own copying where it can.
    package func write(contentsOf source: InputFile) throws(StorageError) {
        var done = 0
        do throws(Errno) {
            done = try FileSystem.appendCopy(
                of: source.start..<source.start + source.size, from: source.open.descriptor, to: descriptor)
        } catch { throw .unwritable(path, error) }
        let piece = 1 << 20
        var buffer = [UInt8](repeating: 0, count: min(piece, source.size - done))
        while done < source.size {
            buffer.removeLast(max(0, buffer.count - (source.size - done)))
            var span = buffer.mutableSpan
            try source.read(at: done, into: &span)
            try write(buffer)
            done += buffer.count
        }
    }

    /// Syncs and closes: an error of the disk shows here at the latest. The file counts as finished from now on.
    package func finish() throws(StorageError) {
        try FileSystem.sync(path)
        isOpen = false
        do { try descriptor.close() } catch { throw .unwritable(path, (error as? Errno) ?? .ioError) }
        try journal.finish(name)
    }
}
