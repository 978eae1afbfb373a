internal import Storage
internal import SystemPackage

/// The architecture `llama` of a GGUF file: Llama 1 to 3, SmolLM, and what else is LlamaForCausalLM.
struct GGUFLlama: GGUFFamily {
    let vocabularySize: Int
    let contextLength: Int
    private let hiddenSize: Int
    private let layerCount: Int
    private let feedForwardSize: Int
    private let headCount: Int
    private let keyValueHeadCount: Int
    private let headSize: Int
    private let normEpsilon: Double
    private let rotaryBase: Double
    private let rotaryScaling: JSONValue
    private let hasHead: Bool
    private let hasAttentionBias: Bool
    private let hasFeedForwardBias: Bool

    private static let knownKeys: Set<String> = [
        "context_length", "embedding_length", "block_count", "feed_forward_length", "vocab_size", "tensor_data_layout",
        "attention.head_count", "attention.head_count_kv", "attention.key_length", "attention.value_length",
        "attention.layer_norm_rms_epsilon", "expert_count", "expert_used_count",
        "rope.dimension_count", "rope.freq_base",
    ]

    /// Throws `gguf-key`, `unsupported-trait` or `missing-tensor`.
    init(_ file: GGUFFile) throws(CheckpointError) {
        let metadata = file.metadata
        try metadata.checkKeys(of: "llama", known: Self.knownKeys.union(GGUFRotaryScaling.knownKeys))
        for key in ["llama.expert_count", "llama.expert_used_count"] {
            guard try metadata.integer(key) ?? 0 == 0 else { throw metadata.unsupported(key, supported: "0") }
        }
        hiddenSize = try metadata.size("llama.embedding_length")
        layerCount = try metadata.size("llama.block_count")
        feedForwardSize = try metadata.size("llama.feed_forward_length")
        contextLength = try metadata.size("llama.context_length")
        headCount = try metadata.size("llama.attention.head_count")
        keyValueHeadCount =
            metadata["llama.attention.head_count_kv"] == nil ? headCount : try metadata.size("llama.attention.head_count_kv")
        headSize = metadata["llama.attention.key_length"] == nil ? hiddenSize / headCount : try metadata.size("llama.attention.key_length")
        guard headSize > 0, headSize % 2 == 0 else {
            throw metadata.wrongKind("llama.attention.key_length", "an even size of a head, not \(headSize),")
        }
        for key in ["llama.attention.value_length", "llama.rope.dimension_count"] {
            guard try metadata.integer(key) ?? headSize == headSize else {
                throw metadata.unsupported(key, supported: "\(headSize), the size of a head")
            }
        }
        guard let epsilon = try metadata.number("llama.attention.layer_norm_rms_epsilon") else {
            throw metadata.wrongKind("llama.attention.layer_norm_rms_epsilon", "a number")
        }
        normEpsilon = epsilon
        rotaryBase = try metadata.number("llama.rope.freq_base") ?? 10000
        rotaryScaling = try GGUFRotaryScaling.configuration(metadata)
        guard let embedding = file.tensor(named: "token_embd.weight") else {
            throw .missingTensor(file.path, name: "token_embd.weight")
        }
        vocabularySize = embedding.shape[0]
        hasHead = file.tensor(named: "output.weight") != nil
        hasAttentionBias = file.tensor(named: "blk.0.attn_q.bias") != nil
        hasFeedForwardBias = file.tensor(named: "blk.0.ffn_up.bias") != nil
        // A layer has nine tensors or more: no count of layers asks for more places than the file has tensors.
        guard layerCount <= file.tensors.count / 9 else {
            throw .missingTensor(file.path, name: "blk.\(layerCount - 1).attn_norm.weight")
        }
    }

    var configuration: [(name: String, value: JSONValue)] {
        [
            ("architectures", ["LlamaForCausalLM"]), ("model_type", "llama"), ("vocab_size", .integer(vocabularySize)),
            ("hidden_size", .integer(hiddenSize)), ("intermediate_size", .integer(feedForwardSize)),
            ("num_hidden_layers", .integer(layerCount)), ("num_attention_heads", .integer(headCount)),
            ("num_key_value_heads", .integer(keyValueHeadCount)), ("head_dim", .integer(headSize)), ("hidden_act", "silu"),
            ("max_position_embeddings", .integer(contextLength)), ("rms_norm_eps", .number(normEpsilon)),
            ("rope_theta", .number(rotaryBase)), ("rope_scaling", rotaryScaling), ("tie_word_embeddings", .boolean(!hasHead)),
            ("attention_bias", .boolean(hasAttentionBias)), ("mlp_bias", .boolean(hasFeedForwardBias)),
        ]
    }

    var places: [GGUFPlace] {
        var places = [
            GGUFPlace("model.embed_tokens.weight", "token_embd.weight", [vocabularySize, hiddenSize]),
            GGUFPlace("model.norm.weight", "output_norm.weight", [hiddenSize]),
        ]
        if hasHead { places.append(GGUFPlace("lm_head.weight", "output.weight", [vocabularySize, hiddenSize])) }
        let queries = headCount * headSize, keyValues = keyValueHeadCount * headSize
        for layer in 0..<layerCount {
            let (name, stored) = ("model.layers.\(layer).", "blk.\(layer).")
            func norm(_ role: String, _ storedRole: String) {
                places.append(GGUFPlace(name + role + ".weight", stored + storedRole + ".weight", [hiddenSize]))
            }
            func linear(
                _ role: String, _ storedRole: String, _ outputs: Int, _ inputs: Int, bias: Bool,
                _ arrangement: GGUFPlace.Arrangement = .same
            ) {
                places.append(GGUFPlace(name + role + ".weight", stored + storedRole + ".weight", [outputs, inputs], arrangement))
                if bias { places.append(GGUFPlace(name + role + ".bias", stored + storedRole + ".bias", [outputs], arrangement)) }
            }
            norm("input_layernorm", "attn_norm")
            linear("self_attn.q_proj", "attn_q", queries, hiddenSize, bias: hasAttentionBias, .rotary(headSize: headSize))
            linear("self_attn.k_proj", "attn_k", keyValues, hiddenSize, bias: hasAttentionBias, .rotary(headSize: headSize))
            linear("self_attn.v_proj", "attn_v", keyValues, hiddenSize, bias: hasAttentionBias)
            linear("self_attn.o_proj", "attn_output", hiddenSize, queries, bias: hasAttentionBias)
            norm("post_attention_layernorm", "ffn_norm")
            linear("mlp.gate_proj", "ffn_gate", feedForwardSize, hiddenSize, bias: hasFeedForwardBias)
            linear("mlp.up_proj", "ffn_up", feedForwardSize, hiddenSize, bias: hasFeedForwardBias)
            linear("mlp.down_proj", "ffn_down", hiddenSize, feedForwardSize, bias: hasFeedForwardBias)
        }
        return places
    }
}
