internal import SystemPackage

/// One entry's header in a zip's central directory, and the check of the local header it points to.
struct ZipEntryHeader {
    let name: String
    let flags: Int
    let method: Int
    let crc32: Int
    let compressedSize: Int
    let size: Int
    /// Where the local header begins.
    let offset: Int
    private let path: FilePath

    /// All ones: the zip64 extra field has it.
    private static let elsewhere = 0xFFFF_FFFF
    private static let localSize = 30
    /// Bit 0 encryption, 5 patched data, 6 strong encryption, 13 masked headers.
    private static let refusedFlags = 1 << 0 | 1 << 5 | 1 << 6 | 1 << 13
    /// The sizes and the CRC-32 follow the data.
    private static let deferredSizes = 1 << 3

    init(_ cursor: inout ByteCursor, _ path: FilePath) throws(StorageError) {
        func malformed(_ reason: String) -> StorageError { .archive(path, "its directory \(reason)") }
        guard cursor.natural(4) == 0x0201_4B50, cursor.take(4) != nil, let flags = cursor.natural(2), let method = cursor.natural(2),
            cursor.take(4) != nil, let crc32 = cursor.natural(4), let compressedSize = cursor.natural(4), let size = cursor.natural(4),
            let nameCount = cursor.natural(2), let extraCount = cursor.natural(2), let commentCount = cursor.natural(2),
            let disk = cursor.natural(2), cursor.take(6) != nil, let offset = cursor.natural(4),
            let nameBytes = cursor.take(nameCount), let extra = cursor.take(extraCount), cursor.take(commentCount) != nil
        else { throw malformed("is malformed or cut short") }
        guard let name = String(validating: nameBytes, as: UTF8.self) else { throw malformed("holds a name that is not UTF-8") }
        if let reason = Self.objection(toName: nameBytes) { throw .archive(path, "\(Archive.quoted(name)) \(reason)") }

        var wide = [size, compressedSize, offset]
        if disk == 0xFFFF || wide.contains(Self.elsewhere) {
            guard var field = Self.zip64Field(of: Array(extra)) else {
                throw .archive(path, "\(Archive.quoted(name)) has no zip64 field, or a malformed one")
            }
            for index in wide.indices where wide[index] == Self.elsewhere {
                guard let value = field.natural(8) else { throw .archive(path, "\(Archive.quoted(name)) has a malformed zip64 field") }
                wide[index] = value
            }
            guard disk != 0xFFFF || field.natural(4) == 0 else { throw .archive(path, "it spans several disks") }
        }
        guard disk == 0 || disk == 0xFFFF else { throw .archive(path, "it spans several disks") }
        (self.name, self.flags, self.method, self.crc32, self.path) = (name, flags, method, crc32, path)
        (self.size, self.compressedSize, self.offset) = (wide[0], wide[1], wide[2])
        guard flags & Self.refusedFlags == 0 else { throw refusal("is encrypted or patched") }
        guard method != 0 || self.size == self.compressedSize else { throw refusal("is stored, but has two sizes") }
    }

    /// The name's bytes without the slash that makes it a directory's.
    var place: ArraySlice<UInt8> {
        let bytes = Array(name.utf8)[...]
        return bytes.last == UInt8(ascii: "/") ? bytes.dropLast() : bytes
    }

    func refusal(_ reason: String) -> StorageError { .archive(path, "\(Archive.quoted(name)) \(reason)") }

    /// Where the data begins, once the local header agrees and the data is known to end by `limit`.
    func dataOffset(in file: InputFile, endingBy limit: Int) throws(StorageError) -> Int {
        let nameCount = name.utf8.count
        guard offset <= limit - Self.localSize - nameCount else { throw refusal("lies outside the file's entries") }
        var cursor = ByteCursor(try file.bytes(at: offset, count: Self.localSize + nameCount))
        guard cursor.natural(4) == 0x0403_4B50, cursor.take(2) != nil, let localFlags = cursor.natural(2),
            let localMethod = cursor.natural(2), cursor.take(4) != nil, let localCRC = cursor.natural(4),
            let localCompressedSize = cursor.natural(4), let localSize = cursor.natural(4), let localNameCount = cursor.natural(2),
            let extraCount = cursor.natural(2)
        else { throw refusal("has no local header where the directory says") }
        guard localNameCount == nameCount, let localName = cursor.take(nameCount), localName.elementsEqual(name.utf8) else {
            throw refusal("has another name in its local header")
        }
        guard localMethod == method else { throw refusal("has another method in its local header") }
        guard (localFlags ^ flags) & (Self.refusedFlags | Self.deferredSizes) == 0 else {
            throw refusal("has other flags in its local header")
        }

        let start = offset + Self.localSize + nameCount + extraCount
        let (end, overflow) = start.addingReportingOverflow(compressedSize)
        guard !overflow, end <= limit else { throw refusal("lies outside the file's entries") }

        let isDeferred = flags & Self.deferredSizes != 0
        var stated = [localSize, localCompressedSize]
        if stated.contains(Self.elsewhere) {
            guard var field = Self.zip64Field(of: try file.bytes(at: start - extraCount, count: extraCount)) else {
                throw refusal("has no zip64 field in its local header, or a malformed one")
            }
            for index in stated.indices where stated[index] == Self.elsewhere {
                guard let value = field.natural(8) else { throw refusal("has a malformed zip64 field in its local header") }
                stated[index] = value
            }
        }
        for (local, central) in zip(stated + [localCRC], [size, compressedSize, crc32]) where !(isDeferred && local == 0) {
            guard local == central else { throw refusal("has other sizes or another CRC-32 in its local header") }
        }
        return start
    }

    private static func objection(toName name: ArraySlice<UInt8>) -> String? {
        if name.contains(where: { $0 < 0x20 || $0 == 0x7F }) { return "has a control character in its name" }
        if name.contains(UInt8(ascii: "\\")) { return "has a backslash in its name" }
        if name.isEmpty || name.first == UInt8(ascii: "/") { return "is not a relative path" }
        var components = name.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        if components.last?.isEmpty == true { components.removeLast() }
        if components.contains(where: { $0.elementsEqual("..".utf8) }) { return "leads out of the archive by \"..\"" }
        if components.contains(where: { $0.isEmpty || $0.elementsEqual(".".utf8) }) { return "is not made of plain names" }
        return nil
    }

    /// The zip64 field among an entry's extra fields; nil where none comes before something malformed.
    private static func zip64Field(of extra: [UInt8]) -> ByteCursor? {
        var cursor = ByteCursor(extra)
        while cursor.remaining > 0 {
            guard let tag = cursor.natural(2), let count = cursor.natural(2), let content = cursor.take(count) else { return nil }
            if tag == 1 { return ByteCursor(Array(content)) }
        }
        return nil
    }
}
