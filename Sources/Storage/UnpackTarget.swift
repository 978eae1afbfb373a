internal import SystemPackage

/// The directory that an archive is unpacked into.
struct UnpackTarget {
    private let directory: FilePath
    private var names: ArchiveNames
    /// How many bytes may still be written.
    private(set) var remaining: Int

    init(archive: FilePath, directory: FilePath, remaining: Int, entryLimit: Int) {
        self.directory = directory
        self.remaining = remaining
        names = ArchiveNames(archive: archive, entryLimit: entryLimit)
    }

    var fileCount: Int { names.fileCount }

    func place(of name: String) throws(StorageError) -> FilePath { try names.place(of: name) }

    mutating func makeDirectory(_ place: FilePath) throws(StorageError) { try create(names.addDirectory(place)) }

    /// An empty file to write to, the directories above it made where they are missing.
    mutating func makeFile(_ place: FilePath) throws(StorageError) -> FileDescriptor {
        try create(names.addFile(place))
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
        guard bytes.count <= remaining else { throw names.refusal(place.string, "brings the files to more bytes than they may have") }
        remaining -= bytes.count
        do {
            try file.writeAll(bytes)
        } catch {
            throw .unwritable(directory.pushing(place), (error as? Errno) ?? .ioError)
        }
    }

    /// Makes directories that are not there. One that is there already is refused: it could be a link.
    private func create(_ places: [FilePath]) throws(StorageError) {
        for place in places { try FileSystem.createDirectory(directory.pushing(place)) }
    }
}
