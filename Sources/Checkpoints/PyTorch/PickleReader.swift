internal import Storage
internal import SystemPackage

/// Reads the pickle of a state dict as data: a machine that knows the opcodes of `PickleOpcode` and the globals of
/// `PickleGlobal`, and refuses everything else by name. It calls nothing, whatever the pickle asks for.
struct PickleReader {
    private var cursor: ByteCursor
    private var stack = PickleStack()

    private static let longestGlobal = 256

    /// Reads `bytes`, which came from the file at `path`. Throws `CheckpointError.pyTorch` with a stable kind.
    static func read(_ bytes: [UInt8], of path: FilePath) throws(CheckpointError) -> Pickle {
        var reader = PickleReader(cursor: ByteCursor(bytes))
        do { return try reader.run() } catch {
            throw .pyTorch(path, kind: error.kind, reason: "its pickle \(error.reason) (at byte \(reader.cursor.position))")
        }
    }

    private init(cursor: ByteCursor) { self.cursor = cursor }

    private mutating func run() throws(PickleError) -> Pickle {
        guard try natural(1) == Int(PickleOpcode.protocolVersion.rawValue), case 2...5 = try natural(1) else {
            throw .syntax("does not begin with a protocol from 2 to 5")
        }
        while true {
            let byte = UInt8(try natural(1))
            guard let opcode = PickleOpcode(rawValue: byte) else {
                throw PickleError(
                    "forbidden-opcode",
                    "uses the opcode \(PickleOpcode.refusedName(byte)), which no state dict needs")
            }
            if opcode == .stop { break }
            try execute(opcode)
        }
        guard let root = stack.only, cursor.remaining == 0 else { throw .syntax("does not end in one value") }
        return Pickle(root: root, containers: stack.containers)
    }

    private mutating func execute(_ opcode: PickleOpcode) throws(PickleError) {
        switch opcode {
        case .protocolVersion, .stop: throw .syntax("states its protocol twice")
        case .frame: _ = try take(8)
        case .mark: try stack.pushMark()
        case .none: try stack.push(.none)
        case .newTrue: try stack.push(.boolean(true))
        case .newFalse: try stack.push(.boolean(false))
        case .uint8: try stack.push(.integer(natural(1)))
        case .uint16: try stack.push(.integer(natural(2)))
        case .int32: try stack.push(.integer(Int(Int32(truncatingIfNeeded: natural(4)))))
        case .long: try stack.push(long())
        case .double:
            _ = try take(8)
            try stack.push(.opaque)
        case .shortBytes, .bytes:
            _ = try take(natural(opcode == .bytes ? 4 : 1))
            try stack.push(.opaque)
        case .shortUnicode, .unicode: try stack.push(.string(text(take(natural(opcode == .unicode ? 4 : 1)))))
        case .get, .longGet: try stack.recall(natural(opcode == .get ? 1 : 4))
        case .put, .longPut: try stack.memorise(at: natural(opcode == .put ? 1 : 4))
        case .memoize: try stack.memorise(at: nil)
        case .emptyTuple: try stack.push(.tuple(stack.container()))
        case .tuple1: try stack.push(.tuple(stack.container(stack.pop(1))))
        case .tuple2: try stack.push(.tuple(stack.container(stack.pop(2))))
        case .tuple3: try stack.push(.tuple(stack.container(stack.pop(3))))
        case .tuple: try stack.push(.tuple(stack.container(stack.popToMark())))
        case .emptyList: try stack.push(.list(stack.container()))
        case .emptyDictionary: try stack.push(.dictionary(stack.container()))
        case .append: try stack.extendList(by: stack.pop(1))
        case .appends: try stack.extendList(by: stack.popToMark())
        case .setItem: try stack.extendDictionary(by: stack.pop(2))
        case .setItems: try stack.extendDictionary(by: stack.popToMark())
        case .global: try stack.push(.global(global(line(), line())))
        case .stackGlobal:
            let words = try stack.pop(2)
            guard case .string(let module) = words[0], case .string(let name) = words[1] else {
                throw .syntax("names a global without words")
            }
            try stack.push(.global(global(module, name)))
        case .persistentID: try stack.push(.storage(stack.storage(stack.pop(1)[0])))
        case .reduce:
            let call = try stack.pop(2)
            try stack.push(stack.result(of: call[0], arguments: call[1]))
        case .build: try stack.dropState()
        }
    }

    private mutating func take(_ count: Int) throws(PickleError) -> ArraySlice<UInt8> {
        guard let bytes = cursor.take(count) else { throw PickleError("truncated-pickle", "ends too early") }
        return bytes
    }

    private mutating func natural(_ width: Int) throws(PickleError) -> Int {
        guard let value = cursor.natural(width) else { throw PickleError("truncated-pickle", "ends too early") }
        return value
    }

    private func text(_ bytes: ArraySlice<UInt8>) throws(PickleError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .syntax("holds a string that is not UTF-8") }
        return text
    }

    /// A signed little-endian integer after the count of its bytes.
    private mutating func long() throws(PickleError) -> PickleValue {
        let bytes = try take(natural(1))
        guard bytes.count <= 8 else { return .opaque }
        let sign: Int = (bytes.last ?? 0) & 0x80 == 0 ? 0 : -1
        return .integer(bytes.reversed().reduce(sign) { $0 << 8 | Int($1) })
    }

    private func global(_ module: String, _ name: String) throws(PickleError) -> PickleGlobal {
        guard let global = PickleGlobal(module: module, name: name) else {
            throw PickleError(
                "forbidden-global",
                "asks for \(CheckpointError.quoted(module + "." + name)), which is no part of a state dict; nothing of it was executed")
        }
        return global
    }

    private mutating func line() throws(PickleError) -> String {
        var line: [UInt8] = []
        while true {
            let byte = UInt8(try natural(1))
            if byte == UInt8(ascii: "\n") { return try text(line[...]) }
            line.append(byte)
            guard line.count <= Self.longestGlobal else { throw .syntax("names a global of more than \(Self.longestGlobal) bytes") }
        }
    }
}
