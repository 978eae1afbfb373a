import TestSupport
import Checkpoints
import Storage
import SystemPackage
import Tensors

/// A tensor to be written by hand: the tests make their own safetensors files, good and bad.
struct TensorBytes: Equatable {
    var name: String
    var dtype: String
    var shape: [Int]
    var bytes: [UInt8]

    init(_ name: String, _ dtype: String, _ shape: [Int], bytes: [UInt8]) {
        (self.name, self.dtype, self.shape, self.bytes) = (name, dtype, shape, bytes)
    }

    /// F32 zeros.
    init(_ name: String, _ shape: [Int]) { self.init(name, "F32", shape, bytes: [UInt8](repeating: 0, count: 4 * shape.reduce(1, *))) }
}

/// A safetensors file: the header's length, the header as it is given, the data.
func safetensors(header: [UInt8], data: [UInt8] = []) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) } + header + data
}

func safetensors(header: String, dataCount: Int) -> [UInt8] {
    safetensors(header: Array(header.utf8), data: (0..<dataCount).map { UInt8(truncatingIfNeeded: $0 &+ 1) })
}

func safetensors(_ tensors: [TensorBytes]) -> [UInt8] {
    var members: [(name: String, value: JSONValue)] = []
    var end = 0
    for tensor in tensors {
        members.append(
            (
                tensor.name,
                .members([
                    "dtype": .string(tensor.dtype), "shape": .array(tensor.shape.map { .integer($0) }),
                    "data_offsets": [.integer(end), .integer(end + tensor.bytes.count)],
                ])
            ))
        end += tensor.bytes.count
    }
    return safetensors(header: Array(JSONValue.object(JSONObject(members: members)).serialized().utf8), data: tensors.flatMap(\.bytes))
}

/// Writes shards and their index; `map` can then be told other things than are true.
func writeShards(
    _ shards: [(name: String, tensors: [TensorBytes])], in directory: FilePath, changing changes: [String: String] = [:]
) throws {
    var map: [(name: String, value: JSONValue)] = []
    for (name, tensors) in shards {
        try write(safetensors(tensors), to: directory.appending(name))
        map += tensors.filter { changes[$0.name] == nil }.map { ($0.name, .string(name)) }
    }
    map += changes.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }
    let index = JSONValue.members(["metadata": .members([:]), "weight_map": .object(JSONObject(members: map))])
    try write(Array(index.serialized(pretty: true).utf8), to: directory.appending("model.safetensors.index.json"))
}

extension Checkpoint {
    /// Its tensors with their bytes, in the order they are stored.
    func tensorBytes() throws -> [TensorBytes] {
        try shards.flatMap { shard in
            try shard.tensors.map {
                TensorBytes($0.name, $0.dtype.rawValue, $0.shape, bytes: try shard.file.bytes(at: $0.offset, count: $0.byteCount))
            }
        }
    }
}

/// The error that a checkpoint's code throws.
func checkpointError(_ body: () throws -> Void) throws -> CheckpointError {
    do { try body() } catch let error as CheckpointError { return error }
    throw Unexpected()
}
