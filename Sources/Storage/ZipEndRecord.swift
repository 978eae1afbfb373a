internal import SystemPackage

/// Where a zip's end records, classic and zip64, say that the central directory lies.
struct ZipEndRecord {
    private(set) var directoryOffset: Int
    private(set) var directorySize: Int
    private(set) var entryCount: Int

    private static let classicSize = 22
    private static let locatorSize = 20
    private static let longestComment = 0xFFFF

    /// Finds the end record by its signature and by a comment that ends with the file; two such records are refused.
    init(of file: InputFile) throws(StorageError) {
        let path = file.path
        let tailSize = min(file.size, Self.locatorSize + Self.classicSize + Self.longestComment)
        let tail = try file.bytes(at: file.size - tailSize, count: tailSize)
        var found: [(position: Int, fields: Fields)] = []
        for position in stride(from: tail.count - Self.classicSize, through: 0, by: -1) where tail[position] == 0x50 {
            var cursor = ByteCursor(tail, at: position)
            guard cursor.natural(4) == 0x0605_4B50, let fields = Fields(&cursor, diskWidth: 2, countWidth: 2, sizeWidth: 4) else {
                continue
            }
            if let comment = cursor.natural(2), comment == cursor.remaining { found.append((position, fields)) }
        }
        guard let classic = found.first else {
            throw .archive(path, "it has no zip directory at its end: it is no zip file, or it was cut short")
        }
        guard found.count == 1 else { throw .archive(path, "it has two end records") }

        var end = file.size - tailSize + classic.position
        var fields = classic.fields
        if classic.position >= Self.locatorSize {
            var locator = ByteCursor(tail, at: classic.position - Self.locatorSize)
            if locator.natural(4) == 0x0706_4B50 {
                let disk = locator.natural(4)
                (fields, end) = try Self.wide(at: locator.natural(8), endingAt: end - Self.locatorSize, agreeingWith: fields, in: file)
                guard disk == 0, let disks = locator.natural(4), disks <= 1 else { throw .archive(path, "it spans several disks") }
            }
        }
        guard fields.disk == 0, fields.directoryDisk == 0 else { throw .archive(path, "it spans several disks") }
        guard fields.entriesOnDisk == fields.entries else { throw .archive(path, "its two counts of entries do not agree") }
        let (directoryEnd, overflow) = fields.directoryOffset.addingReportingOverflow(fields.directorySize)
        guard !overflow, directoryEnd == end else {
            throw .archive(path, "its directory does not end where its end record begins")
        }
        (directoryOffset, directorySize, entryCount) = (fields.directoryOffset, fields.directorySize, fields.entries)
    }

    /// The zip64 end record, which must lie right before its locator and repeat what the classic one could hold.
    private static func wide(at offset: Int?, endingAt end: Int, agreeingWith classic: Fields, in file: InputFile) throws(StorageError)
        -> (fields: Fields, offset: Int)
    {
        func malformed(_ reason: String) -> StorageError { .archive(file.path, "its zip64 end record \(reason)") }
        guard let offset, offset <= end - 56 else { throw malformed("is not where it should be") }
        var cursor = ByteCursor(try file.bytes(at: offset, count: 56))
        guard cursor.natural(4) == 0x0606_4B50, cursor.natural(8) == end - offset - 12 else { throw malformed("is not where it should be") }
        _ = cursor.take(4)
        guard let fields = Fields(&cursor, diskWidth: 4, countWidth: 8, sizeWidth: 8) else {
            throw malformed("holds numbers beyond any file")
        }
        guard fields.agrees(with: classic) else { throw malformed("and its end record do not agree") }
        return (fields, offset)
    }

    /// What both kinds of end record hold, in this order.
    private struct Fields {
        let disk, directoryDisk, entriesOnDisk, entries, directorySize, directoryOffset: Int

        init?(_ cursor: inout ByteCursor, diskWidth: Int, countWidth: Int, sizeWidth: Int) {
            guard let disk = cursor.natural(diskWidth), let directoryDisk = cursor.natural(diskWidth),
                let entriesOnDisk = cursor.natural(countWidth), let entries = cursor.natural(countWidth),
                let directorySize = cursor.natural(sizeWidth), let directoryOffset = cursor.natural(sizeWidth)
            else { return nil }
            (self.disk, self.directoryDisk, self.entriesOnDisk) = (disk, directoryDisk, entriesOnDisk)
            (self.entries, self.directorySize, self.directoryOffset) = (entries, directorySize, directoryOffset)
        }

        /// Whether the narrow fields hold the same, or all ones to say that they cannot.
        func agrees(with narrow: Fields) -> Bool {
            [(narrow.disk, disk), (narrow.directoryDisk, directoryDisk), (narrow.entriesOnDisk, entriesOnDisk), (narrow.entries, entries)]
                .allSatisfy { $0 == $1 || $0 == 0xFFFF }
                && [(narrow.directorySize, directorySize), (narrow.directoryOffset, directoryOffset)]
                    .allSatisfy { $0 == $1 || $0 == 0xFFFF_FFFF }
        }
    }
}
