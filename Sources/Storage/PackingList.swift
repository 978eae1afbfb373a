package import SystemPackage

/// The files of a directory that an archive of it holds.
///
/// 1. Regular files, at any depth. A link to one is that file: a model in the Hugging Face cache is all links.
/// 2. A link to a directory or to nothing, a device, a pipe or a socket is refused: leaving it out would make another directory.
/// 3. Names are UTF-8 without control characters, at most 64 deep, as `Archive.unpack` asks for. Empty directories are left out.
package struct PackingList: Sendable {
    package struct File: Sendable {
        /// Relative to the directory.
        package let name: String
        package let path: FilePath
        /// In bytes, when the list was made.
        package let size: Int
    }

    /// In the order of their names' bytes.
    package let files: [File]

    package var bytes: Int { files.reduce(0) { $0 + $1.size } }

    /// Lists `directory`, in which the archive itself may not lie. Throws `missing` or `notPackable`.
    package init(_ directory: FilePath, for archive: FilePath) throws(StorageError) {
        guard let kind = FileSystem.kind(of: directory) else { throw .missing(directory) }
        guard kind == .directory else { throw .notPackable(directory, "it is not a directory") }
        let parent = archive.removingLastComponent()
        var walk = Walk(top: directory, avoiding: try? Stat(parent.isEmpty ? FilePath(".") : parent))
        try walk.visit(directory, FilePath())
        guard !walk.files.isEmpty else { throw .notPackable(directory, "there is no file in it") }
        files = walk.files.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    private struct Walk {
        let top: FilePath
        /// The directory that the archive goes to.
        let avoiding: Stat?
        var files: [File] = []

        init(top: FilePath, avoiding: Stat?) {
            self.top = top
            self.avoiding = avoiding
        }

        mutating func visit(_ directory: FilePath, _ place: FilePath) throws(StorageError) {
            let status = try found(directory, place)
            if let avoiding, avoiding.deviceID == status.deviceID, avoiding.inode == status.inode {
                throw .notPackable(top, "the archive would lie in it; put it elsewhere")
            }
            for name in try FileSystem.names(in: directory) {
                let (path, place) = (directory.appending(name), place.appending(name))
                guard !name.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
                    throw refusal(place, "has a control character in its name")
                }
                guard place.components.count <= 64 else { throw refusal(place, "is more than 64 directories deep") }
                let status = try found(path, place)
                switch status.type {
                case .regular: files.append(File(name: place.string, path: path, size: Int(status.size)))
                case .directory:
                    guard (try? Stat(path, followTargetSymlink: false))?.type == .directory else {
                        throw refusal(place, "is a link to a directory")
                    }
                    try visit(path, place)
                default: throw refusal(place, "is neither a file nor a directory")
                }
            }
        }

        private func found(_ path: FilePath, _ place: FilePath) throws(StorageError) -> Stat {
            do { return try Stat(path) } catch {
                if let link = try? Stat(path, followTargetSymlink: false), link.type == .symbolicLink {
                    throw refusal(place, "is a link to what cannot be reached")
                }
                throw .unreadable(path, error)
            }
        }

        private func refusal(_ place: FilePath, _ reason: String) -> StorageError {
            .notPackable(top, "\(Archive.quoted(place.string)) \(reason)")
        }
    }
}
