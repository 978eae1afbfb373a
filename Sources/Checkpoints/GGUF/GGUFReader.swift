internal import Storage

/// Reads a GGUF file's header from front to back. No length or count is believed before it is held against the bytes that remain.
struct GGUFReader {
    private let file: InputFile
    private(set) var position = 0
    private var window: [UInt8] = []
    private var windowStart = 0
    /// Array elements take more memory than bytes of the file; all arrays together may have this many.
    private var elementsLeft = 1 << 24

    private static let longestString = 1 << 24
    private static let deepestArray = 4

    init(_ file: InputFile) { self.file = file }

    private var remaining: Int { file.size - position }

    func fail(_ kind: String, _ reason: String) -> CheckpointError { .gguf(file.path, kind: kind, reason: reason) }

    /// The unsigned integer in the next bytes, little-endian. Throws `gguf-truncated`.
    mutating func word(byteCount: Int) throws(CheckpointError) -> UInt64 {
        let place = try take(byteCount)
        return window[place].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    mutating func word32() throws(CheckpointError) -> UInt32 { UInt32(truncatingIfNeeded: try word(byteCount: 4)) }

    /// A number of items that follow. Throws `gguf-truncated` where so many, of `leastByteCount` each, do not fit into the file.
    mutating func count(of items: String, leastByteCount: Int) throws(CheckpointError) -> Int {
        let count = try word(byteCount: 8)
        guard count <= UInt64(remaining / leastByteCount) else {
            throw fail("gguf-truncated", "\(count) \(items) are announced at byte \(position - 8), but only \(remaining) bytes follow")
        }
        return Int(count)
    }

    /// A length and so many bytes of UTF-8. Throws `gguf-truncated`, `gguf-too-large` or `gguf-utf8`.
    mutating func string() throws(CheckpointError) -> String {
        let length = try count(of: "bytes of a string", leastByteCount: 1)
        guard length <= Self.longestString else {
            throw fail("gguf-too-large", "a string at byte \(position) has \(length) bytes, more than \(Self.longestString)")
        }
        let start = position
        let place = try take(length)
        guard let text = String(validating: window[place], as: UTF8.self) else {
            throw fail("gguf-utf8", "the string at byte \(start) is not UTF-8")
        }
        return text
    }

    /// A value after its type. Throws `gguf-value-type`, `gguf-boolean`, `gguf-value`, `gguf-nesting`, and what its parts throw.
    mutating func value() throws(CheckpointError) -> GGUFValue { try value(kind(), depth: 0) }

    private mutating func kind() throws(CheckpointError) -> GGUFValue.Kind {
        let code = try word32()
        guard let kind = GGUFValue.Kind(rawValue: code) else {
            throw fail("gguf-value-type", "there is no metadata type \(code) (byte \(position - 4))")
        }
        return kind
    }

    private mutating func value(_ kind: GGUFValue.Kind, depth: Int) throws(CheckpointError) -> GGUFValue {
        switch kind {
        case .string: .string(try string())
        case .boolean: .boolean(try boolean())
        case .f32, .f64: .number(try number(kind))
        case .array: try array(depth: depth)
        default: .integer(try integer(kind))
        }
    }

    private mutating func array(depth: Int) throws(CheckpointError) -> GGUFValue {
        guard depth < Self.deepestArray else {
            throw fail("gguf-nesting", "arrays are nested more than \(Self.deepestArray) deep at byte \(position)")
        }
        let kind = try kind()
        let count = try count(of: "array elements", leastByteCount: kind.leastByteCount)
        guard count <= elementsLeft else { throw fail("gguf-too-large", "its arrays have more than \(1 << 24) elements") }
        elementsLeft -= count
        return switch kind {
        case .string: .strings(try elements(count) { (reader) throws(CheckpointError) in try reader.string() })
        case .boolean: .booleans(try elements(count) { (reader) throws(CheckpointError) in try reader.boolean() })
        case .f32, .f64: .numbers(try elements(count) { (reader) throws(CheckpointError) in try reader.number(kind) })
        case .array: .arrays(try elements(count) { (reader) throws(CheckpointError) in try reader.array(depth: depth + 1) })
        default: .integers(try elements(count) { (reader) throws(CheckpointError) in try reader.integer(kind) })
        }
    }

    private mutating func elements<Element>(
        _ count: Int, _ read: (inout GGUFReader) throws(CheckpointError) -> Element
    ) throws(CheckpointError) -> [Element] {
        var elements: [Element] = []
        elements.reserveCapacity(count)
        for _ in 0..<count { elements.append(try read(&self)) }
        return elements
    }

    private mutating func boolean() throws(CheckpointError) -> Bool {
        let byte = try word(byteCount: 1)
        guard byte <= 1 else { throw fail("gguf-boolean", "the boolean at byte \(position - 1) is \(byte)") }
        return byte == 1
    }

    private mutating func number(_ kind: GGUFValue.Kind) throws(CheckpointError) -> Double {
        kind == .f32 ? Double(Float(bitPattern: try word32())) : Double(bitPattern: try word(byteCount: 8))
    }

    private mutating func integer(_ kind: GGUFValue.Kind) throws(CheckpointError) -> Int {
        let word = try word(byteCount: kind.leastByteCount)
        switch kind {
        case .i8: return Int(Int8(truncatingIfNeeded: word))
        case .i16: return Int(Int16(truncatingIfNeeded: word))
        case .i32: return Int(Int32(truncatingIfNeeded: word))
        case .i64: return Int(truncatingIfNeeded: word)
        default:
            guard let integer = Int(exactly: word) else {
                throw fail("gguf-value", "the integer \(word) before byte \(position) is larger than \(Int.max)")
            }
            return integer
        }
    }

    /// Where in the window the next bytes are.
    private mutating func take(_ count: Int) throws(CheckpointError) -> Range<Int> {
        guard count <= remaining else {
            throw fail("gguf-truncated", "\(count) bytes are expected at byte \(position), but the file ends at \(file.size)")
        }
        if position - windowStart + count > window.count {
            do { window = try file.bytes(at: position, count: min(max(count, 1 << 16), remaining)) } catch { throw .storage(error) }
            windowStart = position
        }
        defer { position += count }
        return position - windowStart..<position - windowStart + count
    }
}
