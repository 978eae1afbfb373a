import Checkpoints
import Storage
import SystemPackage
import Tensors
import TestSupport
import Testing

struct TensorLayoutTests {
    /// A fixture as one file, its tensors changed, opened.
    private func model(_ fixture: String, _ change: ([TensorBytes]) throws -> [TensorBytes] = { $0 }) throws -> LanguageModel {
        let directory = Fixture.directory.appending(fixture)
        let tensors = try change(Checkpoint(directory).tensorBytes())
        return try withScratchDirectory { scratch in
            try write(InputFile.contents(of: directory.appending("config.json")), to: scratch.appending("config.json"))
            try write(safetensors(tensors), to: scratch.appending("model.safetensors"))
            return try LanguageModel(scratch)
        }
    }

    private func error(_ fixture: String, _ change: @escaping ([TensorBytes]) throws -> [TensorBytes]) throws -> CheckpointError {
        try checkpointError { _ = try model(fixture, change) }
    }

    private static func renaming(_ change: @escaping (String) -> String) -> ([TensorBytes]) -> [TensorBytes] {
        { tensors in tensors.map { TensorBytes(change($0.name), $0.dtype, $0.shape, bytes: $0.bytes) } }
    }

    // MARK: Roles

    @Test func namesTheTensorsOfALlama() throws {
        let layout = try Fixture.model("llama-untied-biases").layout
        #expect(layout.embedding == "model.embed_tokens.weight" && layout.head == "lm_head.weight" && layout.positionEmbedding == nil)
        #expect(layout.finalNorm?.weight == "model.norm.weight" && layout.finalNorm?.bias == nil)
        #expect(layout.layers.count == 2)
        let layer = layout.layers[1]
        #expect(layer.projections.map(\.weight) == ["q", "k", "v"].map { "model.layers.1.self_attn.\($0)_proj.weight" })
        #expect(layer.feedForward?.expansions.map(\.weight) == ["gate", "up"].map { "model.layers.1.mlp.\($0)_proj.weight" })
        #expect(layer.linears.allSatisfy { $0.bias == $0.weight.replacing("weight", with: "bias") && !$0.isInputByOutput })
        #expect(layer.norms.map(\.weight) == ["model.layers.1.input_layernorm.weight", "model.layers.1.post_attention_layernorm.weight"])
        let down = try #require(layer.feedForward).contraction
        #expect(down.inputs == 40 && down.outputs == 24 && down.storedRows == 24 && down.storedColumns == 40)
    }

    @Test func namesTheTensorsOfAGPT2() throws {
        let layout = try Fixture.model("gpt2-untied-f16").layout
        let prefix = layout.embedding.hasPrefix("transformer.") ? "transformer." : ""
        #expect(
            layout.embedding == prefix + "wte.weight" && layout.positionEmbedding == prefix + "wpe.weight"
                && layout.head == "lm_head.weight")
        #expect(layout.finalNorm?.bias == prefix + "ln_f.bias")
        let layer = layout.layers[0]
        #expect(layer.projections.map(\.weight) == [prefix + "h.0.attn.c_attn.weight"])
        #expect(layer.feedForward?.expansions.map(\.weight) == [prefix + "h.0.mlp.c_fc.weight"])
        let fused = layer.projections[0]
        #expect(fused.isInputByOutput && fused.outputs == 72 && fused.storedRows == 24 && fused.storedColumns == 72)
    }

    @Test func namesTheTensorsOfExperts() throws {
        let layout = try Fixture.model("qwen2-moe-shared").layout
        let (sparse, dense) = (layout.layers[0], layout.layers[1])
        #expect(sparse.router?.weight == "model.layers.0.mlp.gate.weight" && sparse.router?.outputs == 5)
        #expect(sparse.sharedWeight?.weight == "model.layers.0.mlp.shared_expert_gate.weight" && sparse.sharedWeight?.outputs == 1)
        #expect(sparse.feedForward?.contraction.weight == "model.layers.0.mlp.shared_expert.down_proj.weight")
        #expect(sparse.feedForward?.width == 36 && sparse.experts.count == 5)
        let names = ["gate", "up", "down"].map { "model.layers.0.mlp.experts.3.\($0)_proj.weight" }
        #expect(sparse.experts[3].linears.map(\.weight) == names && sparse.experts[3].width == 10)
        #expect(dense.router == nil && dense.sharedWeight == nil && dense.experts.isEmpty)
        #expect(dense.feedForward?.contraction.weight == "model.layers.1.mlp.down_proj.weight" && dense.feedForward?.width == 28)
        let mixtral = try Fixture.model("mixtral-window").layout.layers[1]
        #expect(mixtral.feedForward == nil && mixtral.router?.weight == "model.layers.1.block_sparse_moe.gate.weight")
        #expect(mixtral.experts[2].linears.map(\.weight) == [1, 3, 2].map { "model.layers.1.block_sparse_moe.experts.2.w\($0).weight" })
    }

    /// Every stored tensor is a parameter, and once: what is tied counts as the embedding.
    @Test(arguments: Fixture.picoModels)
    func listsEveryParameterOnce(_ name: String) throws {
        let model = try Fixture.model(name)
        #expect(model.layout.parameters.sorted() == model.checkpoint.tensors.map(\.name).sorted())
        #expect((model.layout.head == model.layout.embedding) == model.configuration.isHeadTied)
        #expect(model.parameterCount == model.checkpoint.tensors.reduce(0) { $0 + $1.elementCount })
    }

    // MARK: Prefixes

    @Test(arguments: [
        ("gpt2-tied", "transformer."), ("gpt2-untied-f16", "transformer."), ("llama-tied-gqa", "model."), ("llama-untied-biases", "model."),
    ])
    func takesNamesWithAndWithoutTheirPrefix(_ fixture: String, _ prefix: String) throws {
        func isHead(_ name: String) -> Bool { name == "lm_head.weight" }
        func bare(_ name: String) -> String { name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : name }
        let without = try model(fixture, Self.renaming(bare)).layout.parameters
        let with = try model(fixture, Self.renaming { isHead($0) ? $0 : prefix + bare($0) }).layout.parameters
        #expect(without.map { isHead($0) ? $0 : prefix + $0 } == with)
        #expect(!without.contains { $0.hasPrefix(prefix) })
    }

    // MARK: Tied heads

    /// Some writers store the head beside the embedding that it is tied to: it comes along and is not read.
    @Test func readsNoHeadThatIsTied() throws {
        let model = try model("llama-tied-gqa") { $0 + [TensorBytes("lm_head.weight", [1])] }
        #expect(model.layout.head == "model.embed_tokens.weight")
        #expect(!model.layout.parameters.contains("lm_head.weight"))
        #expect(model.checkpoint.tensor(named: "lm_head.weight") != nil)
    }

    @Test func asksForAHeadThatIsNotTied() throws {
        let error = try error("llama-untied-biases") { $0.filter { $0.name != "lm_head.weight" } }
        guard case .missingTensor(_, "lm_head.weight") = error else { throw error }
    }

    // MARK: What is wrong

    @Test(arguments: [
        ("llama-untied-biases", "model.embed_tokens.weight"), ("llama-untied-biases", "model.norm.weight"),
        ("llama-untied-biases", "model.layers.1.self_attn.k_proj.weight"),
        ("llama-untied-biases", "model.layers.0.self_attn.o_proj.bias"), ("llama-untied-biases", "model.layers.0.mlp.up_proj.bias"),
        ("llama-untied-biases", "model.layers.1.input_layernorm.weight"), ("gpt2-tied", "transformer.wpe.weight"),
        ("gpt2-tied", "transformer.h.1.ln_2.bias"),
        ("gpt2-tied", "transformer.h.0.attn.c_attn.weight"),
    ])
    func missesATensor(_ fixture: String, _ name: String) throws {
        let short = String(name.drop { $0 != "." }.dropFirst())
        let error = try error(fixture) { tensors in tensors.filter { $0.name != name && $0.name != short } }
        guard case .missingTensor(_, name) = error else { throw error }
        #expect(error.fault == .malformedInput)
    }

    @Test(arguments: ["model.layers.0.block_sparse_moe.experts.3.w2.weight", "model.layers.1.block_sparse_moe.gate.weight"])
    func missesAPartOfAMixture(_ name: String) throws {
        let error = try error("mixtral-window") { tensors in tensors.filter { $0.name != name } }
        guard case .missingTensor(_, name) = error else { throw error }
    }

    /// All experts in one tensor, as programs hold them: refused by name rather than called missing.
    @Test(arguments: [
        ("mixtral-window", "model.layers.0.mlp.experts.gate_up_proj"), ("olmoe-one-of-four", "layers.0.mlp.experts.gate_up_proj"),
    ])
    func refusesFusedExperts(_ fixture: String, _ name: String) throws {
        let error = try error(fixture) { tensors in tensors.filter { !$0.name.contains(".experts.") } + [TensorBytes(name, [1])] }
        guard case .tensor(_, name, "fused-experts", _) = error else { throw error }
        #expect(error.fault == .unsupported)
    }

    @Test(arguments: [
        "model.embed_tokens.weight", "model.layers.1.mlp.down_proj.weight", "model.layers.0.self_attn.q_proj.bias", "model.norm.weight",
    ])
    func refusesAnotherShape(_ name: String) throws {
        let expected = try #require(Fixture.model("llama-untied-biases").checkpoint.tensor(named: name)?.shape)
        // As many elements, but in the other order, or with one dimension more.
        for shape in [Array(expected.reversed()), [1] + expected] where shape != expected {
            let error = try error("llama-untied-biases") { tensors in
                tensors.map { $0.name == name ? TensorBytes(name, $0.dtype, shape, bytes: $0.bytes) : $0 }
            }
            guard case .unexpectedShape(_, name, expected, shape) = error else { throw error }
            #expect(error.fault == .malformedInput)
        }
    }

    @Test func refusesAVocabularyOfAnotherSize() throws {
        let error = try error("llama-bf16") { tensors in
            tensors.map {
                $0.name == "model.embed_tokens.weight" ? TensorBytes($0.name, $0.dtype, [72, 32], bytes: $0.bytes.dropLast(64) + []) : $0
            }
        }
        guard case .unexpectedShape(_, "model.embed_tokens.weight", [73, 32], [72, 32]) = error else { throw error }
    }

    @Test(arguments: [("I32", 4), ("F64", 8), ("F8_E4M3", 1)])
    func refusesOtherTypes(_ dtype: String, _ width: Int) throws {
        let name = "model.layers.0.mlp.gate_proj.weight"
        let error = try error("llama-bf16") { tensors in
            tensors.map {
                $0.name == name ? TensorBytes(name, dtype, $0.shape, bytes: [UInt8](repeating: 0, count: $0.bytes.count / 2 * width)) : $0
            }
        }
        guard case .unsupportedDType(_, name, DType(rawValue: dtype)) = error else { throw error }
        #expect(error.fault == .unsupported)
        #expect(error.description.contains(dtype))
    }

    /// A switch that is neither true nor false must not quietly be off.
    @Test func refusesABiasSwitchThatIsNoFlag() throws {
        let path = Fixture.directory.appending("llama-untied-biases")
        let members = try #require(InputFile.json(path.appending("config.json")).object).members.filter { $0.name != "attention_bias" }
        let document = JSONValue.object(JSONObject(members: members + [("attention_bias", 1)]))
        let checkpoint = try Checkpoint(path)
        #expect(throws: CheckpointError.self) { try TensorLayout(ModelConfiguration(document: document, path: path), in: checkpoint) }
    }

    // MARK: What is carried

    @Test(arguments: [
        ("gpt2-tied", TensorBytes("transformer.h.0.attn.bias", "BOOL", [1, 1, 4, 4], bytes: [UInt8](repeating: 1, count: 16))),
        ("gpt2-tied", TensorBytes("h.0.attn.masked_bias", "F32", [], bytes: [0, 0, 0, 0])),
        (
            "llama-tied-gqa",
            TensorBytes("model.layers.1.self_attn.rotary_emb.inv_freq", "F32", [3], bytes: [UInt8](repeating: 9, count: 12))
        ),
        ("llama-tied-gqa", TensorBytes("other", "I64", [1], bytes: [UInt8](repeating: 1, count: 8))),
    ])
    func carriesWhatItDoesNotRead(_ fixture: String, _ tensor: TensorBytes) throws {
        let plain = try model(fixture)
        let model = try model(fixture) { $0 + [tensor] }
        #expect(model.layout.parameters == plain.layout.parameters)
        #expect(model.checkpoint.tensor(named: tensor.name)?.dtype.rawValue == tensor.dtype)
        #expect(model.parameterCount == plain.parameterCount)
    }

    @Test func wantsADirectory() throws {
        let file = try checkpointError { _ = try LanguageModel(Fixture.directory.appending("llama-bf16").appending("model.safetensors")) }
        #expect(file.kind == "not-a-directory")
        let missing = try checkpointError { _ = try LanguageModel(Fixture.directory.appending("none")) }
        #expect(missing.fault == .missingInput)
    }
}
