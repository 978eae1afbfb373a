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
        guard try FileSystem.names(in: directory).isEmpty else { throw .outputExists(directory) }
        var target = UnpackTarget(archive: path, directory: directory, remaining: limit, entryLimit: entryLimit)
        try read(path) { (entry, reader) throws(StorageError) in
            let place = try target.place(of: entry.name)
            guard entry.isFile else { return try target.makeDirectory(place) }
            let file = try target.makeFile(place)
            defer { try? file.close() }
            while let bytes = try reader.read(entry.name) { try target.write(bytes, to: file, place) }
        }
        guard target.fileCount > 0 else { throw .archive(path, "there is no file in it") }
        return (target.fileCount, limit - target.remaining)
    }

    /// The files of an archive by their places in it, under the rules of `unpack`: read where they lie if they lie there
    /// plainly, and otherwise from scratch files without a name beneath `scratch`, of `limit` bytes in all.
    static func files(
        of path: FilePath, scratch: FilePath, limit: Int = 1 << 42, entryLimit: Int = 100_000
    ) throws(StorageError) -> [(place: FilePath, file: InputFile)] {
        let archive = try InputFile(path)
        let stored = ArchiveFormat(path) == .zip ? try ZipDirectory(archive).storedRegions : [:]
        var files = ArchiveFiles(archive, scratch: scratch, limit: limit, entryLimit: entryLimit)
        try read(path) { (entry, reader) throws(StorageError) in
            if !entry.isFile {
                try files.addDirectory(entry.name)
            } else if let region = entry.region ?? stored[ByteName(entry.name)] {
                try files.addFile(entry.name, at: region)
            } else {
                try files.addFile(entry.name) { () throws(StorageError) in try reader.read(entry.name) }
            }
        }
        guard !files.files.isEmpty else { throw .archive(path, "there is no file in it") }
        return files.files
    }

    /// Hands over each file and directory in turn, with the reader that stands at it. Anything else is refused.
    private static func read(
        _ path: FilePath, _ body: (ArchiveReader.Entry, borrowing ArchiveReader) throws(StorageError) -> Void
    ) throws(StorageError) {
        guard let format = ArchiveFormat(path) else { throw .archive(path, "its name ends in none of \(ArchiveFormat.endings)") }
        _ = try InputFile(path)
        let locale = CharacterLocale()
        defer { locale.end() }
        let reader = ArchiveReader(path, .archive(format))
        try reader.open()
        while let entry = try reader.next() {
            if let other = entry.otherKind {
                throw .archive(path, "\(quoted(entry.name)) is \(other), and only files and directories are taken")
            }
            try body(entry, reader)
        }
    }

    /// A name as it may be shown: it comes from a stranger and goes to a terminal.
    static func quoted(_ name: String) -> String {
        JSONValue.string(name.utf8.count > 200 ? String(decoding: name.utf8.prefix(200), as: UTF8.self) + "…" : name).serialized()
    }
}
