package import SystemPackage

/// The files of a model, by name, wherever they lie: in a directory on disk, or in an archive of one.
///
/// Only the files at the top are seen: what a model consists of lies there. An archive that holds one directory and nothing
/// beside it is that directory.
package struct FileTree: Sendable {
    /// What messages call it.
    package let path: FilePath
    /// The files' names, sorted by their bytes.
    package let names: [String]
    private let place: Place

    private enum Place {
        case directory
        case entries([ByteName: InputFile])
    }

    /// A directory on disk. Links in it are followed. Throws `missing` or `notADirectory`.
    package init(directory: FilePath) throws(StorageError) {
        guard let kind = FileSystem.kind(of: directory) else { throw .missing(directory) }
        guard kind == .directory else { throw .notADirectory(directory) }
        path = directory
        names = try FileSystem.names(in: directory).filter { FileSystem.kind(of: directory.appending($0)) == .file }
        place = .directory
    }

    /// An archive, whose entries are read where they lie if they lie there plainly, and otherwise from scratch beneath `scratch`.
    ///
    /// Throws `archive` for what breaks the rules of `Archive.unpack`.
    package init(archive: FilePath, scratch: FilePath) throws(StorageError) {
        let entries = try Archive.files(of: archive, scratch: scratch)
        let tops = Set(entries.map { $0.place.components.first?.string ?? "" })
        // Compared by depth: a file at the top has one component.
        let depth = tops.count == 1 && entries.allSatisfy { $0.place.components.count > 1 } ? 2 : 1
        var files: [ByteName: InputFile] = [:]
        for (place, file) in entries where place.components.count == depth {
            files[ByteName(place.lastComponent?.string ?? "")] = file
        }
        path = archive
        names = files.keys.map(\.text).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        self.place = .entries(files)
    }

    /// Whether something of that name is there, a file or not.
    package func contains(_ name: String) -> Bool {
        switch place {
        case .directory: FileSystem.kind(of: path.appending(name)) != nil
        case .entries(let files): files[ByteName(name)] != nil
        }
    }

    /// Opens a file of it. Throws `missing` where there is none of that name.
    package func file(_ name: String) throws(StorageError) -> InputFile {
        switch place {
        case .directory:
            return try InputFile(path.appending(name))
        case .entries(let files):
            guard let file = files[ByteName(name)] else { throw .missing(path.appending(name)) }
            return file
        }
    }
}
