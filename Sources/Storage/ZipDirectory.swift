internal import SystemPackage

/// The entries of a zip archive (APPNOTE 6.3), by its central directory; nothing is unpacked.
///
/// 1. The end record ends with the file, what it counts is there, and the directory lies right before it. Zip64 is read.
/// 2. An entry's local header agrees with the central one in name, method, encryption and, where it states them, CRC-32 and sizes.
/// 3. Entries lie before the directory and share no byte; the gaps between them may hold anything.
/// 4. A name is a relative path in UTF-8, made of plain components, and comes once; a directory's ends in a slash.
/// 5. Encrypted entries and archives of several disks are refused.
package struct ZipDirectory: Sendable {
    package struct Entry: Sendable, Equatable {
        package let name: String
        /// How it is compressed: 0 stored, 8 deflated.
        package let method: Int
        package let flags: Int
        package let crc32: UInt32
        package let compressedSize: Int
        /// Its size in bytes once decompressed: a claim, unless it is stored.
        package let size: Int
        /// Where its (compressed) bytes begin, from the start of the file.
        package let dataOffset: Int

        /// Whether its bytes lie in the file as they are.
        package var isStored: Bool { method == 0 }
    }

    /// The entries in the order of the directory.
    package let entries: [Entry]

    /// Where the bytes of the entries that are stored as they are lie, by name.
    var storedRegions: [ByteName: Range<Int>] {
        var regions: [ByteName: Range<Int>] = [:]
        for entry in entries where entry.isStored { regions[ByteName(entry.name)] = entry.dataOffset..<entry.dataOffset + entry.size }
        return regions
    }

    private static let largestDirectory = 1 << 26

    /// Reads and checks the directory. Throws `StorageError.archive` where a rule is broken.
    package init(_ file: InputFile) throws(StorageError) {
        let path = file.path
        let end = try ZipEndRecord(of: file)
        guard end.directorySize <= Self.largestDirectory else {
            throw .archive(path, "its directory has more than \(Self.largestDirectory) bytes")
        }
        var cursor = ByteCursor(try file.bytes(at: end.directoryOffset, count: end.directorySize))
        var entries: [Entry] = []
        var extents: [(start: Int, end: Int, entry: Int)] = []
        var names: Set<ArraySlice<UInt8>> = []
        while cursor.remaining > 0 {
            let header = try ZipEntryHeader(&cursor, path)
            guard names.insert(header.place).inserted else { throw header.refusal("is there twice") }
            let dataOffset = try header.dataOffset(in: file, endingBy: end.directoryOffset)
            extents.append((header.offset, dataOffset + header.compressedSize, entries.count))
            entries.append(
                Entry(
                    name: header.name, method: header.method, flags: header.flags, crc32: UInt32(header.crc32),
                    compressedSize: header.compressedSize, size: header.size, dataOffset: dataOffset))
        }
        guard entries.count == end.entryCount else {
            throw .archive(path, "its end record counts \(end.entryCount) entries, but its directory holds \(entries.count)")
        }
        extents.sort { $0.start < $1.start }
        for (one, next) in zip(extents, extents.dropFirst()) where next.start < one.end {
            throw .archive(path, "\(Archive.quoted(entries[next.entry].name)) overlaps \(Archive.quoted(entries[one.entry].name))")
        }
        self.entries = entries
    }
}
