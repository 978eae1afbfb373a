internal import CLinux
internal import Glibc
package import SystemPackage

/// What the file system is asked beside reading: kinds, listings, directories, renaming, syncing.
package enum FileSystem {
    package enum Kind: Sendable { case file, directory, other }

    /// What lies at a path, links followed; nil where there is nothing.
    package static func kind(of path: FilePath) -> Kind? {
        guard let status = try? Stat(path) else { return nil }
        switch status.type {
        case .regular: return .file
        case .directory: return .directory
        default: return .other
        }
    }

    /// The names in a directory, sorted by their bytes.
    package static func names(in path: FilePath) throws(StorageError) -> [String] {
        guard let stream = unsafe opendir(path.string) else { throw .unreadable(path, Errno(rawValue: errno)) }
        defer { unsafe _ = closedir(stream) }
        var names: [String] = []
        errno = 0
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
            errno = 0
        }
        // Neither the end nor an entry: what was read so far is not all there is.
        guard errno == 0 else { throw .unreadable(path, Errno(rawValue: errno)) }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// A path with every link in it followed.
    package static func resolved(_ path: FilePath) throws(StorageError) -> FilePath {
        guard let resolved = unsafe realpath(path.string, nil) else { throw .unreadable(path, Errno(rawValue: errno)) }
        defer { unsafe free(resolved) }
        return unsafe FilePath(String(cString: resolved))
    }

    package static func createDirectory(_ path: FilePath) throws(StorageError) {
        guard unsafe mkdir(path.string, 0o777) == 0 else { throw .cannotCreate(path, Errno(rawValue: errno)) }
    }

    /// Renames, replacing what is there only if the system's rename does.
    package static func rename(_ source: FilePath, to target: FilePath) throws(StorageError) {
        guard unsafe Glibc.rename(source.string, target.string) == 0 else { throw .cannotCreate(target, Errno(rawValue: errno)) }
    }

    /// Puts `source` in the place of `target` at once, where something is: whoever looks sees the one or the other. What was at
    /// `target` is then at `source`. False where the file system cannot do that.
    package static func exchange(_ source: FilePath, _ target: FilePath) throws(StorageError) -> Bool {
        guard unsafe renameat2(AT_FDCWD, source.string, AT_FDCWD, target.string, EXCISE_RENAME_EXCHANGE) != 0 else { return true }
        guard errno == EINVAL || errno == ENOSYS else { throw .cannotCreate(target, Errno(rawValue: errno)) }
        return false
    }

    /// Appends a part of one file to another inside the kernel, which may share the blocks instead of copying them.
    /// Gives the number of bytes; fewer than asked where the rest must be copied another way.
    static func appendCopy(of range: Range<Int>, from source: FileDescriptor, to target: FileDescriptor) throws(Errno) -> Int {
        var offset = range.lowerBound
        while offset < range.upperBound {
            let count = unsafe copy_file_range(source.rawValue, &offset, target.rawValue, nil, range.upperBound - offset, 0)
            if count == 0 { break }
            if count < 0 {
                if errno == EINTR { continue }
                // Not between these two files, or not on this file system.
                guard [EXDEV, EINVAL, EOPNOTSUPP, ENOSYS, EBADF].contains(errno) else { throw Errno(rawValue: errno) }
                break
            }
        }
        return offset - range.lowerBound
    }

    static func size(of file: FileDescriptor) throws(Errno) -> Int { Int(try Stat(file).size) }

    /// The next bytes are written at the file's start.
    static func rewind(_ file: FileDescriptor) throws(Errno) {
        do { try file.seek(offset: 0, from: .start) } catch { throw (error as? Errno) ?? .ioError }
    }

    /// Writes all of the bytes where the file stands.
    static func append(_ bytes: Span<UInt8>, to target: FileDescriptor) throws(Errno) {
        do { _ = try unsafe bytes.withUnsafeBytes { unsafe try target.writeAll($0) } } catch { throw (error as? Errno) ?? .ioError }
    }

    /// A new file without a name; nil where the file system has none.
    static func unnamedFile(in directory: FilePath) -> FileDescriptor? {
        let descriptor = unsafe open(directory.string, EXCISE_UNNAMED_FILE | O_RDWR | O_CLOEXEC, 0o600)
        return descriptor < 0 ? nil : FileDescriptor(rawValue: descriptor)
    }

    /// Takes hold of a directory for this process alone, until the descriptor is closed; nil where another has it.
    static func lock(_ directory: FilePath) throws(StorageError) -> FileDescriptor? {
        let descriptor = unsafe open(directory.string, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw .cannotCreate(directory, Errno(rawValue: errno)) }
        guard lock(FileDescriptor(rawValue: descriptor)) else {
            close(descriptor)
            return nil
        }
        return FileDescriptor(rawValue: descriptor)
    }

    /// Takes hold of an open file for this process alone, until it is closed. Returns whether it could.
    static func lock(_ file: FileDescriptor) -> Bool { flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 }

    /// Makes a directory's entries durable.
    package static func sync(_ path: FilePath) throws(StorageError) {
        let descriptor = unsafe open(path.string, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unwritable(path, Errno(rawValue: errno)) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .unwritable(path, Errno(rawValue: errno)) }
    }

    /// Makes a directory durable with all files and directories in it.
    package static func syncTree(_ path: FilePath) throws(StorageError) {
        for name in try names(in: path) {
            let inner = path.appending(name)
            if kind(of: inner) == .directory { try syncTree(inner) } else { try sync(inner) }
        }
        try sync(path)
    }

    /// Removes a file, or a directory with all that is in it; links are removed, not followed. What cannot be removed stays.
    package static func remove(_ path: FilePath) {
        if let status = try? Stat(path, followTargetSymlink: false), status.type == .directory {
            for name in (try? names(in: path)) ?? [] { remove(path.appending(name)) }
            _ = unsafe rmdir(path.string)
        } else {
            _ = unsafe unlink(path.string)
        }
    }

    package static var processIdentifier: Int32 { getpid() }
}
