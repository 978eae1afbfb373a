import Checkpoints
import Storage
import SystemPackage
import TestSupport
import Testing

struct ModelConfigurationTests {
    /// A fixture's config.json with other members: nil takes one out.
    private func configuration(_ fixture: String, _ changes: [(String, JSONValue?)] = []) throws -> ModelConfiguration {
        let path = Fixture.directory.appending(fixture).appending("config.json")
        var members = try #require(try InputFile.json(path).object).members
        for (name, value) in changes {
            members.removeAll { $0.name == name }
            if let value { members.append((name, value)) }
        }
        return try ModelConfiguration(document: .object(JSONObject(members: members)), path: path)
    }

    private func error(_ fixture: String, _ changes: [(String, JSONValue?)]) throws -> CheckpointError {
        let error = try checkpointError { _ = try configuration(fixture, changes) }
        #expect(error.description.contains("config.json: "))
        return error
    }

    /// The configuration error's key.
    private func key(_ fixture: String, _ changes: [(String, JSONValue?)]) throws -> String {
        let error = try error(fixture, changes)
        guard case .configuration(_, let key, _) = error else { throw error }
        #expect(error.fault == .malformedInput)
        return key
    }

    // MARK: What is read

    @Test func readsALlama() throws {
        let configuration = try ModelConfiguration(directory: Fixture.directory.appending("llama-mqa-head-dim"))
        #expect(configuration.architecture.modelType == "llama")
        #expect(
            configuration.hiddenSize == 30 && configuration.layerCount == 2 && configuration.headCount == 3
                && configuration.keyValueHeadCount == 1)
        #expect(configuration.headSize == 8 && configuration.queryColumns == 24 && configuration.keyValueColumns == 8)
        #expect(configuration.feedForwardSize == 44 && configuration.vocabularySize == 71 && configuration.contextLength == 48)
        #expect(configuration.normEpsilon == 1e-5 && configuration.norm == .rms && configuration.activation == .siluGated)
        #expect(configuration.position == .rotary && configuration.rotary == [RotaryParameters(base: 1e6, columns: 8)])
        #expect(configuration.isHeadTied && configuration.beginToken == 1 && configuration.endTokens == [2])
        #expect(configuration.layers[1].attentionScale == 1 / Float(8).squareRoot())
    }

    @Test func readsAGPT2() throws {
        let configuration = try ModelConfiguration(directory: Fixture.directory.appending("gpt2-untied-f16"))
        #expect(
            configuration.hiddenSize == 24 && configuration.headCount == 4 && configuration.keyValueHeadCount == 4
                && configuration.headSize == 6)
        #expect(configuration.feedForwardSize == 56 && configuration.contextLength == 32)
        #expect(configuration.norm == .layer && configuration.activation == .geluTanh && configuration.position == .learned)
        #expect(!configuration.isHeadTied)
        // This one scales by the layer's number too.
        #expect(configuration.layers[0].attentionScale == 1 / Float(6).squareRoot())
        #expect(configuration.layers[1].attentionScale == 1 / Float(6).squareRoot() / 2)
    }

    @Test func readsMixtures() throws {
        let qwen2 = try configuration("qwen2-moe-shared")
        let mixture = try #require(qwen2.mixture)
        #expect(mixture.experts == 5 && mixture.expertsPerToken == 2 && mixture.expertSize == 10 && mixture.sharedSize == 36)
        #expect(!mixture.isNormalized && qwen2.feedForwardSize == 28)
        #expect(qwen2.layers.map(\.isSparse) == [true, false] && qwen2.layers.map(\.window) == [4, nil])
        #expect(try configuration("qwen2-moe-steps").layers.map(\.isSparse) == [false, true])
        #expect(try configuration("qwen2-moe-steps", [("mlp_only_layers", [1])]).layers.map(\.isSparse) == [false, false])
        let mixtral = try configuration("mixtral-window", [("num_local_experts", nil), ("num_experts_per_tok", nil)])
        let assumed = try #require(mixtral.mixture)
        #expect(assumed.experts == 8 && assumed.expertsPerToken == 2 && assumed.expertSize == 28 && assumed.sharedSize == nil)
        #expect(assumed.isNormalized)
        #expect(mixtral.layers.allSatisfy { $0.isSparse && $0.window == 5 })
        #expect(try configuration("mixtral-window", [("sliding_window", nil)]).layers.allSatisfy { $0.window == nil })
        #expect(try configuration("qwen3-moe-dense-first", [("num_local_experts", nil), ("num_experts", 7)]).mixture?.experts == 7)
        #expect(try configuration("olmoe-one-of-four", [("norm_topk_prob", true)]).mixture?.isNormalized == true)
        #expect(try configuration("llama-sharded").mixture == nil)
    }

    @Test(
        arguments: [
            ("num_experts_per_tok", 6), ("num_experts_per_tok", 0), ("num_experts", 0), ("num_experts", 65537),
            ("moe_intermediate_size", -1),
            ("shared_expert_intermediate_size", "8"), ("norm_topk_prob", 1), ("mlp_only_layers", 1), ("mlp_only_layers", [0, "1"]),
            ("decoder_sparse_step", -1),
        ] as [(String, JSONValue)])
    func refusesMixtures(_ name: String, _ value: JSONValue) throws {
        #expect(try key("qwen2-moe-shared", [(name, value)]) == name)
    }

    @Test func readsTheRotaryBaseOfBothGenerations() throws {
        #expect(try configuration("llama-sharded").rotary.map(\.base) == [500_000])
        #expect(try configuration("llama-sharded", [("rope_theta", nil)]).rotary.map(\.base) == [10_000])
        #expect(try configuration("llama-sharded", [("rope_theta", 250_000)]).rotary.map(\.base) == [250_000])
        #expect(try configuration("llama-untied-biases").rotary.map(\.base) == [10_000])
        let both: [(String, JSONValue?)] = [
            ("rope_theta", 1.0), ("rope_parameters", .members(["rope_theta": 7.5, "rope_type": "default"])),
        ]
        #expect(try configuration("llama-untied-biases", both).rotary.map(\.base) == [7.5])
    }

    @Test func fillsInWhatIsMissing() throws {
        let llama = try configuration(
            "llama-sharded",
            [
                ("num_key_value_heads", nil), ("rms_norm_eps", nil), ("tie_word_embeddings", nil), ("hidden_act", nil),
                ("intermediate_size", nil),
            ])
        #expect(
            llama.keyValueHeadCount == 4 && llama.headSize == 6 && llama.normEpsilon == 1e-6 && !llama.isHeadTied
                && llama.feedForwardSize == 96)
        let gpt2 = try configuration(
            "gpt2-tied",
            [
                ("n_inner", nil), ("layer_norm_epsilon", nil), ("tie_word_embeddings", nil), ("activation_function", nil),
                ("scale_attn_weights", nil),
                ("scale_attn_by_inverse_layer_idx", nil),
            ])
        #expect(
            gpt2.feedForwardSize == 96 && gpt2.normEpsilon == 1e-5 && gpt2.isHeadTied
                && gpt2.layers[1].attentionScale == 1 / Float(8).squareRoot())
        #expect(try configuration("gpt2-tied", [("scale_attn_weights", false)]).layers[0].attentionScale == 1)
    }

    @Test func readsTheOtherNamesOfGPT2() throws {
        let gpt2 = try configuration(
            "gpt2-tied",
            [
                ("n_embd", nil), ("n_layer", nil), ("n_head", nil), ("n_positions", nil), ("hidden_size", 48), ("num_hidden_layers", 3),
                ("num_attention_heads", 6),
                ("max_position_embeddings", 99),
            ])
        #expect(gpt2.hiddenSize == 48 && gpt2.layerCount == 3 && gpt2.headCount == 6 && gpt2.contextLength == 99)
    }

    @Test func readsSeveralEndTokens() throws {
        let several = try configuration("llama-sharded", [("eos_token_id", [7, 8]), ("bos_token_id", nil)])
        #expect(several.endTokens == [7, 8] && several.beginToken == nil)
        #expect(try configuration("llama-sharded", [("eos_token_id", .null)]).endTokens == [])
    }

    // MARK: Sizes

    @Test(arguments: ["hidden_size", "num_hidden_layers", "num_attention_heads", "vocab_size", "max_position_embeddings"])
    func asksForSizes(_ name: String) throws {
        var changes: [(String, JSONValue?)] = [(name, nil)]
        // The heads stand in for their own kind.
        if name == "num_attention_heads" { changes.append(("num_key_value_heads", nil)) }
        #expect(try key("llama-sharded", changes) == name)
        #expect(try key("llama-sharded", changes.map { ($0.0, .null) }) == name)
    }

    @Test(
        arguments: [0, -1, 16_777_217, 4.0, 24.5, "24", true, [24], .number(1e30)] as [JSONValue],
        ["hidden_size", "vocab_size", "intermediate_size", "max_position_embeddings"])
    func refusesSizes(_ value: JSONValue, _ name: String) throws {
        #expect(try key("llama-sharded", [(name, value)]) == name)
    }

    @Test(arguments: [
        ("num_hidden_layers", 4097), ("num_attention_heads", 65_537), ("num_key_value_heads", 65_537), ("head_dim", 65_537),
        ("head_dim", 0), ("num_key_value_heads", 0),
        ("num_key_value_heads", -2),
    ])
    func refusesCounts(_ name: String, _ value: Int) throws {
        #expect(try key("llama-sharded", [(name, .integer(value))]) == name)
    }

    @Test func namesWhatWasExpectedAndFound() throws {
        let error = try error("llama-sharded", [("vocab_size", -3)])
        #expect(error.description.hasSuffix("config.json: vocab_size is -3; a whole number from 1 to 16777216 is expected."))
    }

    @Test(arguments: [3, 8])
    func refusesKeyValueHeadsThatDoNotDivide(_ count: Int) throws {
        #expect(try key("llama-sharded", [("num_key_value_heads", .integer(count))]) == "num_key_value_heads")
    }

    @Test func refusesHeadsThatRotaryPositionsCannotHave() throws {
        #expect(try key("llama-sharded", [("head_dim", 5)]) == "head_dim")
        // More heads than columns leave none to a head.
        #expect(try key("llama-sharded", [("num_attention_heads", 48), ("num_key_value_heads", 48)]) == "head_dim")
        #expect(try configuration("gpt2-tied", [("n_head", 8)]).headSize == 3)
    }

    @Test(
        arguments: [
            ("rms_norm_eps", 0), ("rms_norm_eps", -1e-5), ("rms_norm_eps", "1e-5"), ("rope_theta", 0), ("rope_theta", -1.0),
            ("rope_theta", .number(.infinity)), ("rope_theta", .number(.nan)),
        ] as [(String, JSONValue)])
    func refusesNumbers(_ name: String, _ value: JSONValue) throws {
        #expect(try key("llama-sharded", [(name, value)]) == name)
    }

    @Test(arguments: [1, "true", []] as [JSONValue])
    func refusesFlags(_ value: JSONValue) throws {
        #expect(try key("llama-sharded", [("tie_word_embeddings", value)]) == "tie_word_embeddings")
    }

    // MARK: Families and traits

    @Test(arguments: ["mamba", "Llama", "gemma3", ""])
    func refusesOtherFamiliesByName(_ type: String) throws {
        let error = try error("llama-sharded", [("model_type", .string(type))])
        guard case .unsupportedArchitecture(_, type, Architecture.all.map(\.modelType)) = error else { throw error }
        #expect(error.fault == .unsupported)
        #expect(error.description.contains("\"\(type)\""))
    }

    @Test func asksForAFamily() throws {
        #expect(try key("llama-sharded", [("model_type", nil)]) == "model_type")
        #expect(try key("llama-sharded", [("model_type", 1)]) == "model_type")
    }

    @Test(
        arguments: [
            ("llama-sharded", "rope_scaling", .members(["rope_type": "spiral", "factor": 8.0]), "rope_scaling.rope_type"),
            ("llama-sharded", "rope_scaling", .members(["type": "proportional", "factor": 2.0]), "rope_scaling.type"),
            (
                "llama-untied-biases", "rope_parameters",
                .members(["full_attention": .members(["rope_type": "default"]), "rope_theta": 500_000.0]),
                "rope_parameters.full_attention"
            ),
            (
                "llama-untied-biases", "rope_parameters", .members(["rope_type": "default", "partial_rotary_factor": 0.5]),
                "rope_parameters.partial_rotary_factor"
            ),
            ("llama-sharded", "hidden_act", "mish", "hidden_act"), ("llama-sharded", "hidden_act", 1, "hidden_act"),
            ("llama-sharded", "pretraining_tp", 2, "pretraining_tp"),
            ("llama-sharded", "rope_interleaved", true, "rope_interleaved"),
            ("llama-sharded", "quantization_config", .members(["quant_method": "gptq"]), "quantization_config"),
            ("gpt2-tied", "quantization_config", .members([:]), "quantization_config"),
            ("gpt2-tied", "activation_function", "quick_gelu", "activation_function"),
            ("gemma2-softcaps", "use_bidirectional_attention", true, "use_bidirectional_attention"),
            ("gemma3-two-bases", "attn_logit_softcapping", 50.0, "attn_logit_softcapping"),
            ("smollm3-unturned-layers", "use_sliding_window", true, "use_sliding_window"),
            ("bloom-five-heads", "apply_residual_connection_post_layernorm", true, "apply_residual_connection_post_layernorm"),
            ("falcon-grouped", "parallel_attn", false, "parallel_attn"), ("qwen2-layer-types", "layer_types", ["linear"], "layer_types"),
            ("gpt2-tied", "add_cross_attention", true, "add_cross_attention"),
        ] as [(String, String, JSONValue, String)])
    func refusesTraitsByName(_ fixture: String, _ name: String, _ value: JSONValue, _ expected: String) throws {
        let error = try error(fixture, [(name, value)])
        guard case .unsupportedTrait(_, expected, _, _) = error else { throw error }
        #expect(error.fault == .unsupported)
        #expect(error.description.contains(expected))
    }

    /// Before `rope_type` the key was `type`, and transformers still reads it.
    @Test func readsTheOldNameOfARotaryType() throws {
        let parameters = JSONValue.members(["type": "linear", "factor": 2.0, "rope_theta": 10_000.0])
        #expect(try configuration("llama-untied-biases", [("rope_parameters", parameters)]).rotary[0].scaling == .linear(factor: 2))
    }

    @Test(
        arguments: [
            ("rope_scaling", .null), ("quantization_config", .null), ("pretraining_tp", 1), ("pretraining_tp", 1.0), ("hidden_act", "silu"),
            ("rope_interleaved", false),
            ("attention_dropout", 0.1), ("some_new_key", .members(["a": 1])),
        ] as [(String, JSONValue)])
    func takesTraitsThatAreComputed(_ name: String, _ value: JSONValue) throws {
        #expect(try configuration("llama-sharded", [(name, value)]).hiddenSize == 24)
    }

    @Test func missesTheFileAndNamesItWhereItIsNoJSON() throws {
        try withScratchDirectory { directory in
            let missing = try checkpointError { _ = try ModelConfiguration(directory: directory) }
            #expect(missing.kind == "missing-file" && missing.fault == .missingInput)
            try write(Array("{".utf8), to: directory.appending("config.json"))
            let malformed = try checkpointError { _ = try ModelConfiguration(directory: directory) }
            #expect(malformed.kind == "json-syntax" && malformed.fault == .malformedInput)
            try write(Array("[]".utf8), to: directory.appending("config.json"))
            #expect(try checkpointError { _ = try ModelConfiguration(directory: directory) }.kind == "configuration")
        }
    }
}
