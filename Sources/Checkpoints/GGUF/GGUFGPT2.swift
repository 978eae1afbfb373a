internal import Storage
internal import SystemPackage

/// The architecture `gpt2` of a GGUF file. Hugging Face keeps its linear maps (inputs x outputs), the file the other way round.
struct GGUFGPT2: GGUFFamily {
    let vocabularySize: Int
    let contextLength: Int
    private let hiddenSize: Int
    private let layerCount: Int
    private let feedForwardSize: Int
    private let headCount: Int
    private let normEpsilon: Double
    private let hasHead: Bool

    private static let knownKeys: Set<String> = [
        "context_length", "embedding_length", "block_count", "feed_forward_length", "vocab_size", "attention.head_count",
        "attention.head_count_kv", "attention.layer_norm_epsilon",
    ]

    /// Throws `gguf-key`, `unsupported-trait` or `missing-tensor`.
    init(_ file: GGUFFile) throws(CheckpointError) {
        let metadata = file.metadata
        try metadata.checkKeys(of: "gpt2", known: Self.knownKeys)
        hiddenSize = try metadata.size("gpt2.embedding_length")
        layerCount = try metadata.size("gpt2.block_count")
        feedForwardSize = try metadata.size("gpt2.feed_forward_length")
        contextLength = try metadata.size("gpt2.context_length")
        headCount = try metadata.size("gpt2.attention.head_count")
        guard try metadata.integer("gpt2.attention.head_count_kv") ?? headCount == headCount else {
            throw metadata.unsupported("gpt2.attention.head_count_kv", supported: "\(headCount), the number of heads")
        }
        guard let epsilon = try metadata.number("gpt2.attention.layer_norm_epsilon") else {
            throw metadata.wrongKind("gpt2.attention.layer_norm_epsilon", "a number")
        }
        normEpsilon = epsilon
        guard let embedding = file.tensor(named: "token_embd.weight") else {
            throw .missingTensor(file.path, name: "token_embd.weight")
        }
        vocabularySize = embedding.shape[0]
        hasHead = file.tensor(named: "output.weight") != nil
        // A layer has nine tensors or more: no count of layers asks for more places than the file has tensors.
        guard layerCount <= file.tensors.count / 9 else {
            throw .missingTensor(file.path, name: "blk.\(layerCount - 1).attn_norm.weight")
        }
    }

    var configuration: [(name: String, value: JSONValue)] {
        [
            ("architectures", ["GPT2LMHeadModel"]), ("model_type", "gpt2"), ("vocab_size", .integer(vocabularySize)),
            ("n_embd", .integer(hiddenSize)), ("n_inner", .integer(feedForwardSize)), ("n_layer", .integer(layerCount)),
            ("n_head", .integer(headCount)), ("n_positions", .integer(contextLength)), ("n_ctx", .integer(contextLength)),
            ("activation_function", "gelu_new"), ("layer_norm_epsilon", .number(normEpsilon)), ("tie_word_embeddings", .boolean(!hasHead)),
        ]
    }

    var places: [GGUFPlace] {
        var places: [GGUFPlace] = [
            GGUFPlace("transformer.wte.weight", "token_embd.weight", [vocabularySize, hiddenSize]),
            GGUFPlace("transformer.wpe.weight", "position_embd.weight", [contextLength, hiddenSize]),
        ]
        func norm(_ name: String, _ stored: String) {
            places.append(GGUFPlace(name + ".weight", stored + ".weight", [hiddenSize]))
            places.append(GGUFPlace(name + ".bias", stored + ".bias", [hiddenSize]))
        }
        func linear(_ name: String, _ stored: String, _ inputs: Int, _ outputs: Int) {
            places.append(GGUFPlace(name + ".weight", stored + ".weight", [inputs, outputs], .transposed))
            places.append(GGUFPlace(name + ".bias", stored + ".bias", [outputs]))
        }
        norm("transformer.ln_f", "output_norm")
        if hasHead { places.append(GGUFPlace("lm_head.weight", "output.weight", [vocabularySize, hiddenSize])) }
        for layer in 0..<layerCount {
            let (name, stored) = ("transformer.h.\(layer).", "blk.\(layer).")
            norm(name + "ln_1", stored + "attn_norm")
            linear(name + "attn.c_attn", stored + "attn_qkv", hiddenSize, 3 * hiddenSize)
            linear(name + "attn.c_proj", stored + "attn_output", hiddenSize, hiddenSize)
            norm(name + "ln_2", stored + "ffn_norm")
            linear(name + "mlp.c_fc", stored + "ffn_up", hiddenSize, feedForwardSize)
            linear(name + "mlp.c_proj", stored + "ffn_down", feedForwardSize, hiddenSize)
        }
        return places
    }
}
