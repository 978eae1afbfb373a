internal import Storage
internal import SystemPackage

/// A GGUF file in the making: the tests write their own, good and bad.
package struct GGUFBytes: Sendable {
    package struct Tensor: Sendable {
        package var name: String
        /// As the file has them: the fastest first.
        package var dimensions: [UInt64]
        package var type: UInt32 = 0
        package var offset: UInt64
        package var data: [UInt8]

        /// F32 zeros.
        package init(_ name: String, _ dimensions: [UInt64], offset: UInt64) {
            (self.name, self.dimensions, self.offset) = (name, dimensions, offset)
            data = [UInt8](repeating: 0, count: 4 * dimensions.reduce(1) { $0 * Int($1) })
        }
    }

    package var magic = Array("GGUF".utf8)
    package var version: UInt32 = 3
    /// Each a key and its value's type and bytes.
    package var pairs: [(key: [UInt8], value: [UInt8])] = []
    package var tensors: [Tensor] = []
    /// What the header says, where it lies.
    package var tensorCount: UInt64?
    package var keyCount: UInt64?
    package var alignment = 32
    /// Cuts the file off.
    package var end: Int?

    package static func word<Integer: FixedWidthInteger>(_ value: Integer) -> [UInt8] {
        (0..<Integer.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    package static func text(_ text: [UInt8]) -> [UInt8] { word(UInt64(text.count)) + text }

    package static func string(_ string: String) -> [UInt8] { word(UInt32(8)) + text(Array(string.utf8)) }
    package static func u32(_ value: UInt32) -> [UInt8] { word(UInt32(4)) + word(value) }
    package static func u64(_ value: UInt64) -> [UInt8] { word(UInt32(10)) + word(value) }
    package static func f32(_ value: Float) -> [UInt8] { word(UInt32(6)) + word(value.bitPattern) }
    package static func boolean(_ value: UInt8) -> [UInt8] { word(UInt32(7)) + [value] }
    package static func array(_ type: UInt32, count: Int, _ elements: [UInt8]) -> [UInt8] {
        word(UInt32(9)) + word(type) + word(UInt64(count)) + elements
    }
    package static func strings(_ strings: [String]) -> [UInt8] { array(8, count: strings.count, strings.flatMap { text(Array($0.utf8)) }) }
    package static func i32s(_ values: [Int32]) -> [UInt8] { array(5, count: values.count, values.flatMap { word($0) }) }
    package static func f32s(_ values: [Float]) -> [UInt8] { array(6, count: values.count, values.flatMap { word($0.bitPattern) }) }

    package init() {}

    package mutating func set(_ key: String, _ value: [UInt8]) {
        pairs.removeAll { $0.key.elementsEqual(key.utf8) }
        pairs.append((Array(key.utf8), value))
    }

    package mutating func remove(_ key: String) { pairs.removeAll { $0.key.elementsEqual(key.utf8) } }

    /// Appends F32 zeros behind the tensors that are there.
    package mutating func add(_ name: String, _ dimensions: [UInt64]) {
        let end = tensors.map { Int($0.offset) + $0.data.count }.max() ?? 0
        tensors.append(Tensor(name, dimensions, offset: UInt64((end + alignment - 1) / alignment * alignment)))
    }

    package var bytes: [UInt8] {
        var bytes =
            magic + Self.word(version) + Self.word(tensorCount ?? UInt64(tensors.count)) + Self.word(keyCount ?? UInt64(pairs.count))
        for pair in pairs { bytes += Self.text(pair.key) + pair.value }
        for tensor in tensors {
            bytes += Self.text(Array(tensor.name.utf8)) + Self.word(UInt32(tensor.dimensions.count))
            bytes += tensor.dimensions.flatMap { Self.word($0) } + Self.word(tensor.type) + Self.word(tensor.offset)
        }
        let start = (bytes.count + alignment - 1) / alignment * alignment
        bytes += [UInt8](repeating: 0, count: start - bytes.count)
        for tensor in tensors where tensor.offset < 1 << 20 {
            let place = start + Int(tensor.offset)
            if bytes.count < place + tensor.data.count { bytes += [UInt8](repeating: 0, count: place + tensor.data.count - bytes.count) }
            bytes.replaceSubrange(place..<place + tensor.data.count, with: tensor.data)
        }
        return Array(bytes.prefix(end ?? bytes.count))
    }

    // MARK: Fixtures

    /// A fixture put together from its parts; the same file to the bit as the reference writer's (Tests/Fixtures/make_gguf_fixtures.py).
    package init(fixture name: String) throws {
        let parts = try InputFile.json(Fixture.directory.appending("gguf").appending(name + ".json"))
        alignment = parts["alignment"]?.integer ?? 32
        for pair in parts["pairs"]?.array ?? [] { set(pair["key"]?.string ?? "", try Self.value(pair)) }
        var offset = 0
        for part in parts["tensors"]?.array ?? [] {
            let dimensions = (part["dimensions"]?.array ?? []).compactMap(\.integer).map(UInt64.init)
            var tensor = Tensor(part["name"]?.string ?? "", dimensions, offset: UInt64(offset))
            tensor.type = UInt32(part["type"]?.integer ?? 0)
            tensor.data = Self.unhexed(part["data"]?.string ?? "")
            // The reference writer fills up behind the last tensor too.
            tensor.data += [UInt8](repeating: 0, count: (alignment - tensor.data.count % alignment) % alignment)
            offset += tensor.data.count
            tensors.append(tensor)
        }
        guard SHA256Hasher.digest(of: bytes).description == parts["sha256"]?.string else { throw NotTheFixture(name: name) }
    }

    private struct NotTheFixture: Error { let name: String }

    private static func value(_ pair: JSONValue) throws -> [UInt8] {
        guard let type = pair["type"]?.string, let value = pair["value"] else { throw NotTheFixture(name: "") }
        let values = value.array ?? []
        switch (type, pair["is_array"]?.boolean == true) {
        case ("uint32", false): return u32(UInt32(value.integer ?? 0))
        case ("float32", false): return f32(Float(value.number ?? 0))
        case ("bool", false): return boolean(value.boolean == true ? 1 : 0)
        case ("string", false): return string(value.string ?? "")
        case ("string", true): return strings(values.compactMap(\.string))
        case ("int32", true): return i32s(values.compactMap(\.integer).map(Int32.init))
        case ("float32", true): return f32s(values.compactMap(\.number).map { Float($0) })
        default: throw NotTheFixture(name: type)
        }
    }

    private static func unhexed(_ text: String) -> [UInt8] {
        let digits = text.utf8.map { $0 < 0x3A ? $0 - 0x30 : $0 - 0x57 }
        return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}
