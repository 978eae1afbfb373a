/// A message in protocol buffers' wire format, read field by field.
struct ProtobufReader {
    private let bytes: [UInt8]
    private var position: Int
    private let end: Int

    /// What stands behind a field's number.
    enum Value {
        case integer(UInt64)
        case float(Float)
        case double
        /// A string, bytes, a message, or a list of numbers: where it lies.
        case block(Range<Int>)
    }

    /// Why bytes are no message.
    struct Malformed: Error { let offset: Int }

    init(_ bytes: [UInt8]) { self.init(bytes, in: bytes.indices) }

    private init(_ bytes: [UInt8], in range: Range<Int>) { (self.bytes, position, end) = (bytes, range.lowerBound, range.upperBound) }

    /// A message within this one.
    func message(_ range: Range<Int>) -> ProtobufReader { ProtobufReader(bytes, in: range) }

    func bytes(_ range: Range<Int>) -> [UInt8] { Array(bytes[range]) }

    /// Where the next field begins.
    var offset: Int { position }

    /// The next field; nil at the end.
    mutating func next() throws(Malformed) -> (field: Int, Value)? {
        guard position < end else { return nil }
        let start = position
        let tag = try integer()
        guard tag >> 3 >= 1, tag >> 3 < 1 << 29 else { throw Malformed(offset: start) }
        let field = Int(tag >> 3)
        switch tag & 7 {
        case 0: return (field, .integer(try integer()))
        case 1:
            _ = try take(8)
            return (field, .double)
        case 2:
            guard let count = Int(exactly: try integer()) else { throw Malformed(offset: start) }
            return (field, .block(try take(count)))
        case 5:
            let pattern = bytes[try take(4)].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            return (field, .float(Float(bitPattern: pattern)))
        // Groups, which no message here has.
        default: throw Malformed(offset: start)
        }
    }

    private mutating func take(_ count: Int) throws(Malformed) -> Range<Int> {
        guard count <= end - position else { throw Malformed(offset: position) }
        defer { position += count }
        return position..<position + count
    }

    private mutating func integer() throws(Malformed) -> UInt64 {
        let start = position
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard position < end else { break }
            let byte = bytes[position]
            position += 1
            // The tenth byte has room for one bit.
            guard shift < 63 || byte <= 1 else { break }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw Malformed(offset: start)
    }
}
