package import SystemPackage

/// Files that may be compressed, as their names say: `.gz` (one gzip member) and `.zst` (Zstandard frames).
package enum CompressedFile {
    /// The path without the ending that says how the file is compressed.
    package static func plainName(_ path: FilePath) -> FilePath {
        guard compression(path) != nil else { return path }
        var plain = path
        plain.extension = nil
        return plain
    }

    /// The contents, decompressed where the name says so. Throws `tooLarge` beyond `limit` bytes, of which no more are then
    /// held, and `compressed` where the stream is damaged, empty, ends too early, or is followed by something else.
    package static func contents(of path: FilePath, limit: Int) throws(StorageError) -> [UInt8] {
        guard let compression = compression(path) else { return try InputFile.contents(of: path, limit: limit) }
        let file = try InputFile(path)
        let reader = ArchiveReader(path, .stream(compression))
        try reader.open()
        var contents: [UInt8] = []
        guard let stream = try reader.next() else { return contents }
        while let bytes = try reader.read(stream.name) {
            guard bytes.count <= limit - contents.count else { throw .tooLarge(path, limit: limit) }
            contents += bytes
        }
        if compression == .gzip { try checkTrailer(of: file, contents) }
        return contents
    }

    private static func compression(_ path: FilePath) -> Compression? {
        switch path.extension?.lowercased() {
        case "gz": .gzip
        case "zst": .zstandard
        default: nil
        }
    }

    /// A gzip file ends with the CRC-32 and the length of what it holds (RFC 1952). libarchive looks at neither, and passes over
    /// what follows the stream.
    private static func checkTrailer(of file: InputFile, _ contents: [UInt8]) throws(StorageError) {
        let trailer = try file.bytes(at: max(0, file.size - 8), count: min(8, file.size))
        let expected = [CRC32.checksum(contents.span), UInt32(truncatingIfNeeded: contents.count)]
        let found = [0, 4].map { start in trailer.dropFirst(start).prefix(4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) } }
        guard found == expected else {
            throw .compressed(
                file.path,
                "its last bytes are not the check sum of what it holds: it is damaged, or more than one gzip stream; compress it anew")
        }
    }
}
