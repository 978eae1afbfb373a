package import SystemPackage

/// Archives of a model's directory: `.tar`, `.tar.gz`, `.tgz`, `.tar.zst` and `.zip`.
package enum Archive {
    /// Whether the name is an archive's, in any case of letters. The file is not looked at.
    package static func isArchive(_ path: FilePath) -> Bool { ArchiveFormat(path) != nil }

    /// Unpacks an archive from a stranger into an existing directory; `outputExists` where that is not empty.
    ///
    /// 1. Only regular files and directories come out: no links, devices, pipes or sockets. Of their attributes nothing is kept.
    /// 2. A name is a relative path without `..`, without control characters, and comes once.
    /// 3. All files together have at most `limit` bytes, counted as they are written, whatever the headers say.
    /// 4. There are at most `entryLimit` files and directories, at most 64 deep.
    ///
    /// What breaks a rule is an error that names the entry; what was written until then stays, for the caller to remove. A tar without its
    /// end is refused too: it was cut off, if only between two files.
    ///
    /// Returns how many files came out and their bytes together.
    @discardableResult
    package static func unpack(
        _ path: FilePath, into directory: FilePath, limit: Int, entryLimit: Int = 100_000
    ) throws(StorageError) -> (files: Int, bytes: Int) {
        guard let format = ArchiveFormat(path) else { throw .archive(path, "its name ends in none of \(ArchiveFormat.endings)") }
        _ = try InputFile(path)
        guard try FileSystem.names(in: directory).isEmpty else { throw .outputExists(directory) }
        let locale = CharacterLocale()
        defer { locale.end() }
        let reader = ArchiveReader(path, .archive(format))
        try reader.open()
        var target = UnpackTarget(archive: path, directory: directory, remaining: limit, entryLimit: entryLimit)
        while let entry = try reader.next() {
            let place = try target.place(of: entry.name)
            switch entry.type {
            case .directory:
                try target.makeDirectory(place)
            case .file:
                let file = try target.makeFile(place)
                defer { try? file.close() }
                while let bytes = try reader.read(entry.name) { try target.write(bytes, to: file, place) }
            case .other(let kind):
                throw .archive(path, "\(quoted(entry.name)) is \(kind), and only files and directories are unpacked")
            }
        }
        guard target.fileCount > 0 else { throw .archive(path, "there is no file in it") }
        return (target.fileCount, limit - target.remaining)
    }

    /// A name as it may be shown: it comes from a stranger and goes to a terminal.
    static func quoted(_ name: String) -> String {
        JSONValue.string(name.utf8.count > 200 ? String(decoding: name.utf8.prefix(200), as: UTF8.self) + "…" : name).serialized()
    }
}
