/// One member of an archive that a test builds by hand.
struct ArchiveEntry {
    var name: String
    var data: [UInt8]
    /// tar's type flag: "0" a file, "5" a directory, "1" and "2" links, "3", "4" and "6" devices and pipes, "x" extended headers.
    var kind: Unicode.Scalar
    var target: String
    var mode: Int
    /// The size in the header where it is not the data's.
    var statedSize: Int?

    init(_ name: String, _ data: [UInt8] = [], kind: Unicode.Scalar = "0", target: String = "", mode: Int = 0o644, statedSize: Int? = nil) {
        self.name = name
        self.data = data
        self.kind = kind
        self.target = target
        self.mode = mode
        self.statedSize = statedSize
    }
}

/// A POSIX ustar archive: for each entry a header of 512 bytes and its data in blocks of 512, then two blocks of zeros.
func tar(_ entries: [ArchiveEntry]) -> [UInt8] {
    func octal(_ value: Int, _ width: Int) -> [UInt8] {
        let digits = String(value, radix: 8)
        return Array((String(repeating: "0", count: max(0, width - 1 - digits.count)) + digits + "\0").utf8)
    }
    func padded(_ bytes: [UInt8], _ width: Int) -> [UInt8] { bytes + [UInt8](repeating: 0, count: width - bytes.count) }

    var archive: [UInt8] = []
    for entry in entries {
        var header = padded(Array(entry.name.utf8), 100)
        header += octal(entry.mode & 0o7777, 8) + octal(0, 8) + octal(0, 8)
        header += octal(entry.statedSize ?? entry.data.count, 12) + octal(0, 12)
        header += [UInt8](repeating: 0x20, count: 8) + [UInt8(ascii: entry.kind)]
        header += padded(Array(entry.target.utf8), 100) + Array("ustar\u{0}00".utf8)
        header = padded(header, 512)
        let sum = header.reduce(0) { $0 + Int($1) }
        header.replaceSubrange(148..<156, with: octal(sum, 7) + [0x20])
        archive += header + padded(entry.data, (entry.data.count + 511) / 512 * 512)
    }
    return archive + [UInt8](repeating: 0, count: 1_024)
}

/// A zip archive with stored members (APPNOTE 4.3): local headers with data, the central directory, its end.
func zip(_ entries: [ArchiveEntry]) -> [UInt8] {
    var archive: [UInt8] = []
    var directory: [UInt8] = []
    for entry in entries {
        let name = Array(entry.name.utf8)
        // Version 2.0, names in UTF-8, stored, no time.
        let common =
            little(20, 2) + little(0x800, 2) + little(0, 2) + little(0, 4) + little(Int(crc32(entry.data)), 4)
            + little(entry.data.count, 4) + little(entry.data.count, 4) + little(name.count, 2) + little(0, 2)
        let kind = entry.kind == "5" ? 0o040000 : entry.mode >= 0o010000 ? 0 : 0o100000
        directory += little(0x0201_4B50, 4) + little(0x0314, 2) + common + little(0, 2) + little(0, 2) + little(0, 2)
        directory += little((kind | entry.mode) << 16, 4) + little(archive.count, 4) + name
        archive += little(0x0403_4B50, 4) + common + name + entry.data
    }
    let start = archive.count
    archive += directory + little(0x0605_4B50, 4) + little(0, 4) + little(entries.count, 2) + little(entries.count, 2)
    return archive + little(directory.count, 4) + little(start, 4) + little(0, 2)
}

/// A gzip member (RFC 1952) of stored deflate blocks (RFC 1951).
func gzip(_ data: [UInt8]) -> [UInt8] {
    var result: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]
    let starts = Array(stride(from: 0, to: data.count, by: 65_535))
    for start in starts {
        let block = data[start..<min(start + 65_535, data.count)]
        result += [start == starts.last ? 1 : 0] + little(block.count, 2) + little(~block.count & 0xFFFF, 2) + block
    }
    return result + little(Int(crc32(data)), 4) + little(data.count, 4)
}

/// A Zstandard frame (RFC 8878) of raw blocks, without a checksum.
func zstandard(_ data: [UInt8]) -> [UInt8] {
    // A single segment whose size has eight bytes.
    var result = little(0xFD2F_B528, 4) + [0b1110_0000] + little(data.count, 8)
    let starts = Array(stride(from: 0, to: data.count, by: 100_000))
    for start in starts {
        let block = data[start..<min(start + 100_000, data.count)]
        result += little(block.count << 3 | (start == starts.last ? 1 : 0), 3) + block
    }
    return result
}

private func little(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
}

/// The CRC-32 of gzip and zip.
private func crc32(_ data: [UInt8]) -> UInt32 {
    var crc = UInt32.max
    for byte in data {
        crc ^= UInt32(byte)
        for _ in 0..<8 { crc = crc >> 1 ^ (crc & 1 == 1 ? 0xEDB8_8320 : 0) }
    }
    return ~crc
}
