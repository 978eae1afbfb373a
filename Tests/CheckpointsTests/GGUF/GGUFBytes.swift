import Checkpoints
import Storage
import SystemPackage
import TestSupport

/// A GGUF file in the making: the tests write their own, good and bad.
struct GGUFBytes {
    struct Tensor {
        var name: String
        /// As the file has them: the fastest first.
        var dimensions: [UInt64]
        var type: UInt32 = 0
        var offset: UInt64
        var data: [UInt8]

        /// F32 zeros.
        init(_ name: String, _ dimensions: [UInt64], offset: UInt64) {
            (self.name, self.dimensions, self.offset) = (name, dimensions, offset)
            data = [UInt8](repeating: 0, count: 4 * dimensions.reduce(1) { $0 * Int($1) })
        }
    }

    var magic = Array("GGUF".utf8)
    var version: UInt32 = 3
    /// Each a key and its value's type and bytes.
    var pairs: [(key: [UInt8], value: [UInt8])] = []
    var tensors: [Tensor] = []
    /// What the header says, where it lies.
    var tensorCount: UInt64?
    var keyCount: UInt64?
    var alignment = 32
    /// Cuts the file off.
    var end: Int?

    static func word<Integer: FixedWidthInteger>(_ value: Integer) -> [UInt8] {
        (0..<Integer.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    static func text(_ text: [UInt8]) -> [UInt8] { word(UInt64(text.count)) + text }

    static func string(_ string: String) -> [UInt8] { word(UInt32(8)) + text(Array(string.utf8)) }
    static func u32(_ value: UInt32) -> [UInt8] { word(UInt32(4)) + word(value) }
    static func u64(_ value: UInt64) -> [UInt8] { word(UInt32(10)) + word(value) }
    static func f32(_ value: Float) -> [UInt8] { word(UInt32(6)) + word(value.bitPattern) }
    static func boolean(_ value: UInt8) -> [UInt8] { word(UInt32(7)) + [value] }
    static func array(_ type: UInt32, count: Int, _ elements: [UInt8]) -> [UInt8] {
        word(UInt32(9)) + word(type) + word(UInt64(count)) + elements
    }
    static func strings(_ strings: [String]) -> [UInt8] { array(8, count: strings.count, strings.flatMap { text(Array($0.utf8)) }) }
    static func i32s(_ values: [Int32]) -> [UInt8] { array(5, count: values.count, values.flatMap { word($0) }) }
    static func f32s(_ values: [Float]) -> [UInt8] { array(6, count: values.count, values.flatMap { word($0.bitPattern) }) }

    mutating func set(_ key: String, _ value: [UInt8]) {
        pairs.removeAll { $0.key.elementsEqual(key.utf8) }
        pairs.append((Array(key.utf8), value))
    }

    mutating func remove(_ key: String) { pairs.removeAll { $0.key.elementsEqual(key.utf8) } }

    /// Appends F32 zeros behind the tensors that are there.
    mutating func add(_ name: String, _ dimensions: [UInt64]) {
        let end = tensors.map { Int($0.offset) + $0.data.count }.max() ?? 0
        tensors.append(Tensor(name, dimensions, offset: UInt64((end + alignment - 1) / alignment * alignment)))
    }

    var bytes: [UInt8] {
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

    func with<Result>(_ body: (InputFile) throws -> Result) throws -> Result {
        try withScratchDirectory { directory in
            let path = directory.appending("x.gguf")
            try write(bytes, to: path)
            return try body(InputFile(path))
        }
    }

    func error(_ body: (InputFile) throws -> Void) throws -> CheckpointError {
        let error = try checkpointError { try with(body) }
        if error.description.contains("x.gguf") { return error }
        throw Unexpected()
    }

    /// A llama of two tokens, all zeros.
    static var llama: GGUFBytes {
        var file = GGUFBytes()
        file.set("general.architecture", string("llama"))
        for (key, size) in [
            ("context_length", 8), ("embedding_length", 4), ("block_count", 1), ("feed_forward_length", 2), ("attention.head_count", 2),
            ("attention.head_count_kv", 1),
        ] as [(String, UInt32)] { file.set("llama." + key, u32(size)) }
        file.set("llama.attention.layer_norm_rms_epsilon", f32(1e-5))
        file.set("tokenizer.ggml.model", string("gpt2"))
        file.set("tokenizer.ggml.pre", string("gpt-2"))
        file.set("tokenizer.ggml.tokens", strings(["a", "b"]))
        file.set("tokenizer.ggml.merges", strings([]))
        file.add("token_embd.weight", [4, 2])
        file.add("output_norm.weight", [4])
        for (name, dimensions) in [
            ("attn_norm", [4]), ("ffn_norm", [4]), ("attn_q", [4, 4]), ("attn_k", [4, 2]), ("attn_v", [4, 2]), ("attn_output", [4, 4]),
            ("ffn_gate", [4, 2]), ("ffn_up", [4, 2]), ("ffn_down", [2, 4]),
        ] as [(String, [UInt64])] { file.add("blk.0.\(name).weight", dimensions) }
        return file
    }
}
