internal import SystemPackage

/// A descriptor that is closed when nothing uses it any more.
final class OpenFile: Sendable {
    let descriptor: FileDescriptor

    init(adopting descriptor: FileDescriptor) { self.descriptor = descriptor }

    deinit { try? descriptor.close() }

    /// Makes a file without a name in `directory`: it is gone when it is closed, however the process ends.
    convenience init(unnamedIn directory: FilePath) throws(StorageError) {
        if let descriptor = FileSystem.unnamedFile(in: directory) {
            self.init(adopting: descriptor)
            return
        }
        // It has a name for a moment, and keeps it if the process is killed then.
        let path = directory.appending(".excise-scratch-\(FileSystem.processIdentifier)-\(UInt64.random(in: 0...UInt64.max))")
        do {
            self.init(
                adopting: try FileDescriptor.open(
                    path, .readWrite, options: [.create, .exclusiveCreate, .closeOnExec], permissions: [.ownerReadWrite]))
        } catch {
            throw .cannotCreate(path, (error as? Errno) ?? .ioError)
        }
        FileSystem.remove(path)
    }
}
