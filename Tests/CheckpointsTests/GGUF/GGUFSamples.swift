import Checkpoints
import Storage
import SystemPackage
import TestSupport

extension GGUFBytes {
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
