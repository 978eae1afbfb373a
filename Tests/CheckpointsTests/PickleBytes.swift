import TestSupport

/// A pickle that a test writes opcode by opcode: `PickleBytes.protocol2 + .emptyDictionary + .string("a") + ...`.
struct PickleBytes: Sendable {
    var bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }
    init(_ opcodes: String) { bytes = Array(opcodes.utf8) }

    static func + (left: PickleBytes, right: PickleBytes) -> PickleBytes { PickleBytes(left.bytes + right.bytes) }

    static let protocol2 = PickleBytes([0x80, 2])
    static let mark = PickleBytes("(")
    static let tuple = PickleBytes("t")
    static let emptyTuple = PickleBytes(")")
    static let emptyDictionary = PickleBytes("}")
    static let setItem = PickleBytes("s")
    static let reduce = PickleBytes("R")
    static let build = PickleBytes("b")
    static let stop = PickleBytes(".")
    static let newFalse = PickleBytes([0x89])
    static let orderedDict = global("collections", "OrderedDict") + emptyTuple + reduce

    static func string(_ text: String) -> PickleBytes { PickleBytes([0x58] + little(text.utf8.count, 4) + text.utf8) }
    static func integer(_ value: Int) -> PickleBytes { PickleBytes([0x8A, 8] + little(value, 8)) }
    static func global(_ module: String, _ name: String) -> PickleBytes { PickleBytes("c\(module)\n\(name)\n") }
    static func integers(_ values: [Int]) -> PickleBytes { values.reduce(mark) { $0 + integer($1) } + tuple }

    static func storage(_ key: String, _ type: String, _ elementCount: Int) -> PickleBytes {
        mark + string("storage") + global("torch", type) + string(key) + string("cpu") + integer(elementCount) + tuple + PickleBytes("Q")
    }

    /// `torch._utils._rebuild_tensor_v2` of its arguments.
    static func tensor(
        _ storage: PickleBytes, offset: Int = 0, _ shape: [Int], _ stride: [Int], hooks: PickleBytes = orderedDict,
        metadata: PickleBytes = PickleBytes([])
    ) -> PickleBytes {
        global("torch._utils", "_rebuild_tensor_v2") + mark + storage + integer(offset) + integers(shape) + integers(stride) + newFalse
            + hooks + metadata + tuple + reduce
    }

    /// A dictionary of one entry, alone in its pickle.
    static func dictionary(_ name: String, _ value: PickleBytes) -> PickleBytes {
        protocol2 + emptyDictionary + string(name) + value + setItem + stop
    }
}
