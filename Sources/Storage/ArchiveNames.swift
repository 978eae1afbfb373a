internal import SystemPackage

/// The files and directories of an archive seen so far: the rules of `Archive.unpack` on names and their number.
struct ArchiveNames {
    private let archive: FilePath
    /// How many files and directories there may be in all.
    private let entryLimit: Int
    private var files: Set<FilePath> = []
    private var directories: Set<FilePath> = []
    /// The directories that had an entry of their own, not only one below them.
    private var named: Set<FilePath> = []

    init(archive: FilePath, entryLimit: Int) {
        self.archive = archive
        self.entryLimit = entryLimit
    }

    var fileCount: Int { files.count }

    /// An entry's place below the archive's root; empty for the root itself.
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

    /// Takes up a directory; gives those that are new, from the top: it may bring some above it.
    mutating func addDirectory(_ place: FilePath) throws(StorageError) -> [FilePath] {
        guard named.insert(place).inserted else { throw refusal(place.string, "is there twice") }
        return try ensureDirectory(place)
    }

    /// Takes up a file; gives the directories above it that are new, from the top.
    mutating func addFile(_ place: FilePath) throws(StorageError) -> [FilePath] {
        guard !place.isEmpty else { throw refusal(".", "is a file") }
        guard !files.contains(place), !directories.contains(place) else { throw refusal(place.string, "is there twice") }
        let new = try ensureDirectory(place.removingLastComponent())
        try count(place)
        files.insert(place)
        return new
    }

    private mutating func ensureDirectory(_ place: FilePath) throws(StorageError) -> [FilePath] {
        guard !place.isEmpty, !directories.contains(place) else { return [] }
        guard !files.contains(place) else { throw refusal(place.string, "is there twice, as a file and as a directory") }
        let above = try ensureDirectory(place.removingLastComponent())
        try count(place)
        directories.insert(place)
        return above + [place]
    }

    /// Directories without an entry of their own count too: a few long names could ask for very many.
    private func count(_ place: FilePath) throws(StorageError) {
        guard files.count + directories.count < entryLimit else {
            throw refusal(place.string, "is one file or directory more than the \(entryLimit) that may be there")
        }
    }

    func refusal(_ name: String, _ reason: String) -> StorageError { .archive(archive, "\(Archive.quoted(name)) \(reason)") }
}
