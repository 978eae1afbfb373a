/// The pickle opcodes that state dicts are written with, protocols 2 to 5.
enum PickleOpcode: UInt8 {
    case mark = 0x28
    case emptyTuple = 0x29
    case stop = 0x2E
    case bytes = 0x42
    case shortBytes = 0x43
    case double = 0x47
    case int32 = 0x4A
    case uint8 = 0x4B
    case uint16 = 0x4D
    case none = 0x4E
    case persistentID = 0x51
    case reduce = 0x52
    case unicode = 0x58
    case emptyList = 0x5D
    case append = 0x61
    case build = 0x62
    case global = 0x63
    case appends = 0x65
    case get = 0x68
    case longGet = 0x6A
    case put = 0x71
    case longPut = 0x72
    case setItem = 0x73
    case tuple = 0x74
    case setItems = 0x75
    case emptyDictionary = 0x7D
    case protocolVersion = 0x80
    case tuple1 = 0x85
    case tuple2 = 0x86
    case tuple3 = 0x87
    case newTrue = 0x88
    case newFalse = 0x89
    case long = 0x8A
    case shortUnicode = 0x8C
    case stackGlobal = 0x93
    case memoize = 0x94
    case frame = 0x95

    /// The name of an opcode that is refused.
    static func refusedName(_ byte: UInt8) -> String { refused[byte] ?? "0x" + String(byte, radix: 16, uppercase: true) }

    private static let refused: [UInt8: String] = [
        0x30: "POP", 0x31: "POP_MARK", 0x32: "DUP", 0x46: "FLOAT", 0x49: "INT", 0x4C: "LONG", 0x50: "PERSID", 0x53: "STRING",
        0x54: "BINSTRING", 0x55: "SHORT_BINSTRING", 0x56: "UNICODE", 0x64: "DICT", 0x67: "GET", 0x69: "INST", 0x6C: "LIST", 0x6F: "OBJ",
        0x70: "PUT", 0x81: "NEWOBJ", 0x82: "EXT1", 0x83: "EXT2", 0x84: "EXT4", 0x8B: "LONG4", 0x8D: "BINUNICODE8", 0x8E: "BINBYTES8",
        0x8F: "EMPTY_SET", 0x90: "ADDITEMS", 0x91: "FROZENSET", 0x92: "NEWOBJ_EX", 0x96: "BYTEARRAY8",
        0x97: "NEXT_BUFFER", 0x98: "READONLY_BUFFER",
    ]
}
