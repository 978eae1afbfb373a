internal import SystemPackage

/// What has been done in a staged directory, kept so that work that was cut off can go on: a digest of what the work is, then
/// the name of each file that is finished, each line made durable before anything follows it.
final class StagingJournal {
    private let path: FilePath
    private let file: FileDescriptor
    private var finished: Set<[UInt8]>

    /// Opens the journal of `directory`, or begins one; whatever is in the directory and not finished is removed.
    /// Throws `otherWork` where it is another work's.
    init(_ path: FilePath, of directory: FilePath, work: String) throws(StorageError) {
        self.path = path
        let head = SHA256Hasher.digest(of: Array(work.utf8)).description
        var lines: [[UInt8]] = []
        if FileSystem.kind(of: path) != nil {
            lines = try InputFile.contents(of: path, limit: 1 << 26).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
                .dropLast().map(Array.init)
        }
        if let first = lines.first, !first.elementsEqual(head.utf8) { throw .otherWork(path.removingLastComponent()) }
        finished = Set(lines.dropFirst())
        for name in try FileSystem.names(in: directory) where !finished.contains(Array(name.utf8)) {
            FileSystem.remove(directory.appending(name))
        }
        do {
            file = try FileDescriptor.open(
                path, .writeOnly, options: [.create, .truncate, .closeOnExec], permissions: [.ownerReadWrite])
        } catch {
            throw .cannotCreate(path, (error as? Errno) ?? .ioError)
        }
        // Written anew: the last line may have been cut off.
        try append([Array(head.utf8)] + lines.dropFirst())
    }

    deinit { try? file.close() }

    func isFinished(_ name: String) -> Bool { finished.contains(Array(name.utf8)) }

    func finish(_ name: String) throws(StorageError) {
        finished.insert(Array(name.utf8))
        try append([Array(name.utf8)])
    }

    func remove() { FileSystem.remove(path) }

    private func append(_ lines: [[UInt8]]) throws(StorageError) {
        do { try file.writeAll(lines.flatMap { $0 + [UInt8(ascii: "\n")] }) } catch {
            throw .unwritable(path, (error as? Errno) ?? .ioError)
        }
        try FileSystem.sync(path)
    }
}
