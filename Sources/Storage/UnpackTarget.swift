internal import SystemPackage

/// The directory that an archive is unpacked into, and what was made in it so far: the rules of `Archive.unpack` on names and sizes.
struct UnpackTarget {
    private let archive: FilePath
    private let directory: FilePath
    /// How many bytes may still be written.
    private(set) var remaining: Int
    /// How many files and directories there may be in all.
    private let entryLimit: Int
    /// What has been made, relative to the directory.
    private var files: Set<FilePath> = []
    private var directories: Set<FilePath> = []
    /// The directories that had an entry of their own, not only one below them.
    private var named: Set<FilePath> = []

    init(archive: FilePath, directory: FilePath, remaining: Int, entryLimit: Int) {
        self.archive = archive
        self.directory = directory
        self.remaining = remaining
        self.entryLimit = entryLimit
    }

    var fileCount: Int { files.count }

    /// The entry's place below the directory; empty for the directory itself.
    func place(of name: String) throws(StorageError) -> FilePath {
        guard !name.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { throw refusal(name, "has a control character in its name") }
        let path = FilePath(name)
        guard path.isRelative, !name.isEmpty else { throw refusal(name, "is not a relative path") }
        var place = FilePath()
        var depth = 0
        for component in path.components where component.kind != .currentDirectory {
            guard component.kind == .regular else { throw refusal(name, "leads out of the archive by \"..\"") }
            depth += 1
            guard depth <= 64 else { throw refusal(name, "is more than 64 directories deep") }
            place.append(component)
        }
        return place
    }

    mutating func makeDirectory(_ place: FilePath) throws(StorageError) {
        guard named.insert(place).inserted else { throw refusal(place.string, "is there twice") }
        try ensureDirectory(place)
    }

    /// An empty file to write to, the directories above it made where they are missing.
    mutating func makeFile(_ place: FilePath) throws(StorageError) -> FileDescriptor {
        guard !place.isEmpty else { throw refusal(".", "is a file") }
        guard !files.contains(place), !directories.contains(place) else { throw refusal(place.string, "is there twice") }
        try ensureDirectory(place.removingLastComponent())
        try count(place)
        files.insert(place)
        let path = directory.pushing(place)
        do {
            return try FileDescriptor.open(
                path, .writeOnly, options: [.create, .exclusiveCreate, .noFollow, .closeOnExec],
                permissions: [.ownerReadWrite, .groupRead, .otherRead])
        } catch {
            throw .cannotCreate(path, (error as? Errno) ?? .ioError)
        }
    }

    mutating func write(_ bytes: [UInt8], to file: FileDescriptor, _ place: FilePath) throws(StorageError) {
        guard bytes.count <= remaining else { throw refusal(place.string, "brings the files to more bytes than they may have") }
        remaining -= bytes.count
        do {
            try file.writeAll(bytes)
        } catch {
            throw .unwritable(directory.pushing(place), (error as? Errno) ?? .ioError)
        }
    }

    /// Makes the directory and those above it, unless they were made before. One that was there already is refused: it could be a link.
    private mutating func ensureDirectory(_ place: FilePath) throws(StorageError) {
        guard !place.isEmpty, !directories.contains(place) else { return }
        guard !files.contains(place) else { throw refusal(place.string, "is there twice, as a file and as a directory") }
        try ensureDirectory(place.removingLastComponent())
        try count(place)
        try FileSystem.createDirectory(directory.pushing(place))
        directories.insert(place)
    }

    /// Directories without an entry of their own count too: a few long names could ask for very many.
    private func count(_ place: FilePath) throws(StorageError) {
        guard files.count + directories.count < entryLimit else {
            throw refusal(place.string, "is one file or directory more than the \(entryLimit) that may be there")
        }
    }

    private func refusal(_ name: String, _ reason: String) -> StorageError { .archive(archive, "\(Archive.quoted(name)) \(reason)") }
}
