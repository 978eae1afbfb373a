internal import SystemPackage

/// What went into an archive, and what came of it.
package struct PackedArchive: Sendable {
    /// How many files there are, and their bytes together.
    package let files: Int
    package let bytes: Int
    /// Of the archive itself.
    package let size: Int
    package let sha256: SHA256Digest

    /// Writes the files of a list, in its order, at the archive's root, with mode 0644, owner and group 0 and the one time. What is
    /// in the archive is so a matter of names and contents alone; where it is compressed, its bytes are those of this version of the library.
    ///
    /// - Parameters:
    ///   - output: named as an archive. It is left for the caller to commit.
    ///   - level: of compression; the library's own where it is nil.
    ///   - threads: how many compress at once, where Zstandard does. The bytes are the same for any number.
    ///   - time: of every file, in seconds since 1970. In a zip it is always 1980-01-01.
    ///   - progress: called with the bytes that have gone in, and all.
    package static func write(
        _ list: PackingList, to output: AtomicFile, level: Int? = nil, threads: Int = 1, time: Int = 0,
        progress: (Int, Int) -> Void = { _, _ in }
    ) throws(StorageError) -> PackedArchive {
        guard let format = ArchiveFormat(output.path) else {
            throw .notPackable(output.path, "its name ends in none of \(ArchiveFormat.endings)")
        }
        let locale = CharacterLocale()
        defer { locale.end() }
        let destination = ArchiveOutput(output)
        let writer = ArchiveWriter(format, to: destination)
        try writer.open(level: level, threads: threads)
        let total = list.bytes
        var done = 0
        for entry in list.files {
            let file = try InputFile(entry.path)
            try writer.begin(entry.name, size: file.size, time: time, isCompressible: isCompressible(entry.name))
            var offset = 0
            while offset < file.size {
                let bytes = try file.bytes(at: offset, count: min(1 << 20, file.size - offset))
                try writer.write(bytes.span)
                offset += bytes.count
                done += bytes.count
                progress(done, total)
            }
        }
        try writer.finish()
        return PackedArchive(files: list.files.count, bytes: done, size: destination.size, sha256: destination.digest())
    }

    /// Weights hardly shrink, and what is stored in a zip as it is can be read in its place.
    private static func isCompressible(_ name: String) -> Bool {
        !["safetensors", "bin", "gguf", "npy"].contains(FilePath(name).extension?.lowercased())
    }
}
