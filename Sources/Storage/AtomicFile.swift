package import SystemPackage

/// A file that appears whole or not at all: written beside its place at any offsets, synced, and renamed when complete.
///
/// If it is not committed, what was written is removed. What a process that was killed has left of it is removed by the next one.
package final class AtomicFile {
    package let path: FilePath
    /// Where it is written until it is committed.
    package let staging: FilePath
    private let descriptor: FileDescriptor
    private var isCommitted = false

    /// - Parameter replacing: whether something at `path` may be replaced. Throws `outputExists` otherwise.
    package init(_ path: FilePath, replacing: Bool) throws(StorageError) {
        if FileSystem.kind(of: path) != nil && !replacing { throw .outputExists(path) }
        self.path = path
        let parent = path.removingLastComponent()
        let prefix = ".\(path.lastComponent?.string ?? "").partial-"
        Self.removeAbandoned(prefix, in: parent.isEmpty ? FilePath(".") : parent)
        staging = parent.appending("\(prefix)\(FileSystem.processIdentifier)")
        do {
            descriptor = try FileDescriptor.open(
                staging, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
                permissions: [.ownerReadWrite, .groupRead, .otherRead])
        } catch {
            throw .cannotCreate(path, (error as? Errno) ?? .ioError)
        }
        // Where the file system has no locks, nothing is taken for abandoned either.
        _ = FileSystem.lock(descriptor)
    }

    /// Removes the files of such names, with a process's number, that no process holds.
    private static func removeAbandoned(_ prefix: String, in directory: FilePath) {
        for name in (try? FileSystem.names(in: directory)) ?? [] where name.hasPrefix(prefix) {
            guard Int32(name.dropFirst(prefix.count)) != nil else { continue }
            let left = directory.appending(name)
            guard FileSystem.kind(of: left) == .file,
                let file = try? FileDescriptor.open(left, .readOnly, options: [.closeOnExec, .noFollow])
            else { continue }
            if FileSystem.lock(file) { FileSystem.remove(left) }
            try? file.close()
        }
    }

    deinit {
        try? descriptor.close()
        if !isCommitted { FileSystem.remove(staging) }
    }

    package func write(_ bytes: [UInt8], at offset: Int) throws(StorageError) {
        do { _ = try descriptor.writeAll(toAbsoluteOffset: Int64(offset), bytes) } catch {
            throw .unwritable(path, (error as? Errno) ?? .ioError)
        }
    }

    /// All of another file, from its own start on.
    func write(contentsOf source: InputFile) throws(StorageError) { try source.append(to: descriptor, named: path) }

    package func commit() throws(StorageError) {
        try FileSystem.sync(staging)
        try FileSystem.rename(staging, to: path)
        isCommitted = true
        let parent = path.removingLastComponent()
        try FileSystem.sync(parent.isEmpty ? FilePath(".") : parent)
    }
}
