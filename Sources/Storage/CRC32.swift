/// The CRC-32 of gzip (RFC 1952, section 8).
enum CRC32 {
    /// Of each byte.
    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { crc, _ in crc >> 1 ^ (crc & 1 == 1 ? 0xEDB8_8320 : 0) }
    }

    static func checksum(_ bytes: Span<UInt8>) -> UInt32 {
        let table = table
        var crc = UInt32.max
        for index in bytes.indices { crc = crc >> 8 ^ table[Int(UInt8(truncatingIfNeeded: crc) ^ bytes[index])] }
        return ~crc
    }
}
