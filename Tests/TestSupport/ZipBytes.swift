/// A zip with stored entries (APPNOTE 4.3) that a test builds by hand and then damages: it knows where its headers begin.
package struct ZipBytes: Sendable {
    package var bytes: [UInt8] = []
    /// Where each entry's local header begins; its data follows it.
    package private(set) var local: [Int] = []
    /// Where each entry's header in the directory begins.
    package private(set) var central: [Int] = []
    /// Where the end record begins; of a wide zip, the zip64 end record 76 bytes and its locator 20 bytes before it.
    package private(set) var end = 0

    /// - Parameter isWide: whether every size, offset and count is in a zip64 field.
    package init(_ entries: [(name: String, data: [UInt8])], isWide: Bool = false, comment: [UInt8] = []) {
        func narrow(_ value: Int) -> Int { isWide ? 0xFFFF_FFFF : value }
        var directory: [UInt8] = []
        for (name, data) in entries {
            local.append(bytes.count)
            let sizes = little(data.count, 8) + little(data.count, 8)
            let localExtra = isWide ? little(1, 2) + little(16, 2) + sizes : []
            let extra = isWide ? little(1, 2) + little(24, 2) + sizes + little(bytes.count, 8) : []
            // Version 4.5, names in UTF-8, stored, no time, a CRC-32 that nobody checks.
            let common =
                little(45, 2) + little(0x800, 2) + little(0, 2) + little(0, 4) + little(0x1234_5678, 4) + little(narrow(data.count), 4)
                + little(narrow(data.count), 4) + little(name.utf8.count, 2)
            central.append(directory.count)
            directory += little(0x0201_4B50, 4) + little(45, 2) + common + little(extra.count, 2) + little(0, 10)
            directory += little(narrow(bytes.count), 4) + name.utf8 + extra
            bytes += little(0x0403_4B50, 4) + common + little(localExtra.count, 2) + name.utf8 + localExtra + data
        }
        let start = bytes.count
        central = central.map { $0 + start }
        bytes += directory
        if isWide {
            bytes += little(0x0606_4B50, 4) + little(44, 8) + little(45, 2) + little(45, 2) + little(0, 8)
            bytes += little(entries.count, 8) + little(entries.count, 8) + little(directory.count, 8) + little(start, 8)
            bytes += little(0x0706_4B50, 4) + little(0, 4) + little(start + directory.count, 8) + little(1, 4)
        }
        end = bytes.count
        let count = isWide ? 0xFFFF : entries.count
        bytes += little(0x0605_4B50, 4) + little(0, 4) + little(count, 2) + little(count, 2)
        bytes += little(narrow(directory.count), 4) + little(narrow(start), 4) + little(comment.count, 2) + comment
    }

    /// Overwrites a field of `width` bytes.
    package mutating func set(_ value: Int, at position: Int, width: Int) {
        bytes.replaceSubrange(position..<position + width, with: little(value, width))
    }

    /// Renames an entry in both its headers, to a name as long as the one it has.
    package mutating func rename(_ entry: Int, _ name: [UInt8]) {
        bytes.replaceSubrange(local[entry] + 30..<local[entry] + 30 + name.count, with: name)
        bytes.replaceSubrange(central[entry] + 46..<central[entry] + 46 + name.count, with: name)
    }
}

/// An integer's low bytes, little-endian.
package func little(_ value: Int, _ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
