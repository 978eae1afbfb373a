extension JSONValue {
    /// The document as text (RFC 8259), members in the order they have, without a newline at the end.
    ///
    /// A `number` is the shortest decimal that reads back as the same Double and always looks like a fraction (`1.0`), so that
    /// integers and numbers stay apart; NaN and the infinities, which JSON does not have, become `null`.
    ///
    /// - Parameter pretty: one member or element a line, two spaces a level; otherwise no whitespace at all.
    package func serialized(pretty: Bool = false) -> String {
        var writer = JSONWriter(pretty: pretty)
        writer.write(self, level: 0)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    /// What the value is, in a word with its article: "an object".
    package var kindName: String {
        switch self {
        case .null: "null"
        case .boolean: "a boolean"
        case .integer, .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

/// The UTF-8 text of a document as it grows.
private struct JSONWriter {
    let pretty: Bool
    var bytes: [UInt8] = []

    init(pretty: Bool) { self.pretty = pretty }

    mutating func write(_ value: JSONValue, level: Int) {
        switch value {
        case .null: bytes += "null".utf8
        case .boolean(let value): bytes += (value ? "true" : "false").utf8
        case .integer(let value): bytes += value.description.utf8
        case .number(let value): bytes += (value.isFinite ? value.description : "null").utf8
        case .string(let value): write(value)
        case .array(let elements):
            write(elements, between: "[", and: "]", level: level) { writer, element in writer.write(element, level: level + 1) }
        case .object(let object):
            write(object.members, between: "{", and: "}", level: level) { writer, member in
                writer.write(member.name)
                writer.bytes += (writer.pretty ? ": " : ":").utf8
                writer.write(member.value, level: level + 1)
            }
        }
    }

    private mutating func write<Element>(
        _ elements: [Element], between opening: String, and closing: String, level: Int, each: (inout JSONWriter, Element) -> Void
    ) {
        bytes += opening.utf8
        for (index, element) in elements.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            newLine(level: level + 1)
            each(&self, element)
        }
        if !elements.isEmpty { newLine(level: level) }
        bytes += closing.utf8
    }

    private mutating func newLine(level: Int) {
        guard pretty else { return }
        bytes.append(UInt8(ascii: "\n"))
        bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * level))
    }

    private mutating func write(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): bytes += #"\""#.utf8
            case UInt8(ascii: "\\"): bytes += #"\\"#.utf8
            case 0x08: bytes += #"\b"#.utf8
            case 0x09: bytes += #"\t"#.utf8
            case 0x0A: bytes += #"\n"#.utf8
            case 0x0C: bytes += #"\f"#.utf8
            case 0x0D: bytes += #"\r"#.utf8
            // DEL may stand as it is; but these texts go to terminals too.
            case 0x00..<0x20, 0x7F:
                let digits = String(byte, radix: 16)
                bytes += (#"\u00"# + (byte < 0x10 ? "0" : "") + digits).utf8
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
