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
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    package static func createDirectory(_ path: FilePath) throws(StorageError) {
        guard unsafe mkdir(path.string, 0o777) == 0 else { throw .cannotCreate(path, Errno(rawValue: errno)) }
    }

    /// Renames, replacing what is there only if the system's rename does.
    package static func rename(_ source: FilePath, to target: FilePath) throws(StorageError) {
        guard unsafe Glibc.rename(source.string, target.string) == 0 else { throw .cannotCreate(target, Errno(rawValue: errno)) }
    }

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

    /// The largest the process's resident memory has been, in bytes, by the operating system's account.
    package static var peakResidentBytes: Int {
        var usage = rusage()
        _ = unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss * 1024
    }

    /// A variable of the process's environment.
    package static func environment(_ name: String) -> String? { unsafe getenv(name).map { unsafe String(cString: $0) } }

    package static var processIdentifier: Int32 { getpid() }
}
