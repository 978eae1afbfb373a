import Checkpoints
import Storage
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite struct GGUFModelTests {
    private static let folder = Fixture.directory.appending("gguf")

    private func model(_ name: String) throws -> GGUFModel { try GGUFBytes(fixture: name).with { try GGUFModel($0) } }

    private func floats(_ model: GGUFModel, _ name: String, _ range: Range<Int>) throws -> [Float] {
        var values = [Float](repeating: .nan, count: range.count)
        var span = values.mutableSpan
        try model.read(name, from: range.lowerBound, into: &span)
        return values
    }

    // MARK: Pico models

    @Test(arguments: ["llama", "gpt2"])
    func holdsTheHuggingFaceValues(_ name: String) throws {
        let model = try model(name)
        let expected = try Checkpoint(Self.folder.appending(name + ".safetensors"))
        #expect(Set(model.tensors.map(\.name)) == Set(expected.tensors.map(\.name)))
        for tensor in model.tensors {
            #expect(tensor.shape == expected.tensor(named: tensor.name)?.shape)
            let values = try expected.floats(tensor.name)
            #expect((try floats(model, tensor.name, 0..<values.count) == values) == true, "\(tensor.name)")
            // Pieces that begin and end anywhere.
            for (start, count) in [(1, 1), (3, 17), (values.count / 3, values.count / 2), (values.count - 2, 2)]
            where start >= 0 && start + count <= values.count {
                #expect((try floats(model, tensor.name, start..<start + count) == Array(values[start..<start + count])) == true)
            }
        }
    }

    @Test func namesTheTypeThatHoldsATensorWithoutLoss() throws {
        let types = try Dictionary(uniqueKeysWithValues: model("llama").tensors.map { ($0.name, $0.dtype) })
        #expect(types["model.embed_tokens.weight"] == .f32)
        #expect(types["lm_head.weight"] == .bf16)
        #expect(types["model.layers.0.self_attn.o_proj.weight"] == .f16)
        #expect(types["model.norm.weight"] == .f32)
    }

    /// The configurations are ones that this project computes with.
    @Test func configuresLlama() throws {
        let model = try model("llama")
        let configuration = try ModelConfiguration(document: model.configuration, path: "config.json")
        #expect(configuration.architecture.modelType == "llama")
        #expect(configuration.hiddenSize == 32 && configuration.layerCount == 2 && configuration.headSize == 6)
        #expect(configuration.headCount == 4 && configuration.keyValueHeadCount == 2 && configuration.feedForwardSize == 64)
        #expect(configuration.vocabularySize == 20 && configuration.contextLength == 64 && !configuration.isHeadTied)
        #expect(configuration.normEpsilon == 1e-5 && configuration.rotary.map(\.base) == [10000])
        #expect(configuration.beginToken == 1 && configuration.endTokens == [2])
        #expect(model.configuration["rms_norm_eps"]?.number == 1e-5)
        #expect(model.configuration["attention_bias"]?.boolean == true && model.configuration["mlp_bias"]?.boolean == false)
        #expect(model.generationConfiguration["eos_token_id"]?.integer == 2)
        #expect(model.tokenizerConfiguration["bos_token"]?.string == "<s>")
        #expect(model.tokenizerConfiguration["model_max_length"]?.integer == 64)
    }

    @Test func configuresGPT2() throws {
        let configuration = try ModelConfiguration(document: model("gpt2").configuration, path: "config.json")
        #expect(configuration.architecture.modelType == "gpt2")
        #expect(configuration.hiddenSize == 32 && configuration.layerCount == 1 && configuration.headCount == 4)
        #expect(configuration.feedForwardSize == 64 && configuration.vocabularySize == 19 && configuration.contextLength == 12)
        #expect(configuration.isHeadTied && configuration.activation == .geluTanh && configuration.normEpsilon == 1e-5)
        #expect(configuration.beginToken == 18)
    }

    // MARK: Hostile files

    private func kind(fault: Fault, _ change: (inout GGUFBytes) -> Void) throws -> String {
        var file = GGUFBytes.llama
        change(&file)
        let error = try file.error { _ = try GGUFModel($0) }
        #expect(error.fault == fault)
        return error.kind
    }

    @Test func takesTheFileThatTheOthersAreMadeFrom() throws {
        try GGUFBytes.llama.with { input in
            let model = try GGUFModel(input)
            #expect(model.tensors.count == 11)
            #expect(model.configuration["tie_word_embeddings"]?.boolean == true)
            #expect(model.configuration["rope_scaling"]?.isNull == true)
            #expect(model.configuration["head_dim"]?.integer == 2)
            #expect(throws: CheckpointError.self) { try floats(model, "nothing", 0..<1) }
        }
    }

    @Test(arguments: ["bert", "", "LLAMA"])
    func refusesOtherArchitectures(_ name: String) throws {
        #expect(try kind(fault: .unsupported) { $0.set("general.architecture", GGUFBytes.string(name)) } == "unsupported-architecture")
    }

    @Test func refusesPartsOfAModel() throws {
        #expect(try kind(fault: .unsupported) { $0.set("split.count", GGUFBytes.u32(2)) } == "gguf-split")
    }

    @Test(arguments: [
        "llama.context_length", "llama.embedding_length", "llama.block_count", "llama.feed_forward_length", "llama.attention.head_count",
        "llama.attention.layer_norm_rms_epsilon", "tokenizer.ggml.model", "tokenizer.ggml.tokens", "tokenizer.ggml.merges",
    ])
    func refusesMissingAndMistypedKeys(_ key: String) throws {
        #expect(try kind(fault: .malformedInput) { $0.remove(key) } == "gguf-key")
        #expect(try kind(fault: .malformedInput) { $0.set(key, GGUFBytes.boolean(1)) } == "gguf-key")
    }

    @Test(arguments: [0, 1 << 25, .max] as [UInt32])
    func refusesSizes(_ size: UInt32) throws {
        for key in ["context_length", "embedding_length", "block_count", "feed_forward_length", "attention.head_count"] {
            #expect(try kind(fault: .malformedInput) { $0.set("llama." + key, GGUFBytes.u32(size)) } == "gguf-key")
        }
    }

    @Test func refusesMoreLayersThanTensors() throws {
        #expect(try kind(fault: .malformedInput) { $0.set("llama.block_count", GGUFBytes.u32(1 << 24)) } == "missing-tensor")
    }

    @Test func refusesHeadsThatCannotBe() throws {
        #expect(try kind(fault: .malformedInput) { $0.set("llama.attention.head_count", GGUFBytes.u32(4)) } == "gguf-key")
        #expect(try kind(fault: .malformedInput) { $0.set("llama.attention.head_count", GGUFBytes.u32(1 << 24)) } == "gguf-key")
        #expect(try kind(fault: .malformedInput) { $0.set("llama.attention.head_count_kv", GGUFBytes.u32(2)) } == "unexpected-shape")
    }

    @Test(
        arguments: [
            ("attention.sliding_window", 4), ("attention.clamp_kqv", 4), ("logit_scale", 4), ("expert_count", 8),
            ("rope.dimension_count", 1),
            ("attention.value_length", 4), ("rope.scaling.attn_factor", 2),
        ] as [(String, UInt32)])
    func refusesWhatWouldBeComputedOtherwise(_ key: String, _ value: UInt32) throws {
        #expect(try kind(fault: .unsupported) { $0.set("llama." + key, GGUFBytes.u32(value)) } == "unsupported-trait")
    }

    @Test func refusesTensorsWithoutAPlace() throws {
        #expect(try kind(fault: .unsupported) { $0.add("rope_freqs.weight", [1]) } == "gguf-unmapped-tensor")
        #expect(try kind(fault: .unsupported) { $0.add("blk.1.attn_q.weight", [4, 4]) } == "gguf-unmapped-tensor")
    }

    @Test func refusesMissingTensors() throws {
        for index in 0..<11 {
            #expect(try kind(fault: .malformedInput) { $0.tensors.remove(at: index) } == "missing-tensor")
        }
        #expect(try kind(fault: .malformedInput) { $0.add("blk.0.attn_q.bias", [4]) } == "missing-tensor")
    }

    @Test func refusesOtherShapes() throws {
        for index in 0..<11 {
            #expect(try kind(fault: .malformedInput) { $0.tensors[index].dimensions.append(1) } == "unexpected-shape")
        }
    }

    // MARK: Scaled positions

    @Test func carriesScaledPositionsOver() throws {
        func scaling(_ members: [(String, [UInt8])]) throws -> String? {
            var file = GGUFBytes.llama
            for (key, value) in members { file.set("llama.rope." + key, value) }
            return try file.with { try GGUFModel($0).configuration["rope_scaling"]?.serialized() }
        }
        let (linear, yarn) = (GGUFBytes.string("linear"), GGUFBytes.string("yarn"))
        #expect(try scaling([("scaling.type", GGUFBytes.string("none")), ("scaling.factor", GGUFBytes.f32(4))]) == "null")
        #expect(try scaling([("scale_linear", GGUFBytes.f32(4))]) == #"{"rope_type":"linear","factor":4.0}"#)
        #expect(
            try scaling([("scaling.type", linear), ("scaling.factor", GGUFBytes.f32(2.5))]) == #"{"rope_type":"linear","factor":2.5}"#)
        #expect(
            try scaling([
                ("scaling.type", yarn), ("scaling.factor", GGUFBytes.f32(8)), ("scaling.original_context_length", GGUFBytes.u32(4096)),
                ("scaling.yarn_beta_fast", GGUFBytes.f32(32)), ("scaling.yarn_beta_slow", GGUFBytes.f32(1)),
            ])
                == #"{"rope_type":"yarn","factor":8.0,"original_max_position_embeddings":4096,"beta_fast":32.0,"beta_slow":1.0}"#)
    }

    @Test func refusesOtherScalings() throws {
        #expect(try kind(fault: .unsupported) { $0.set("llama.rope.scaling.type", GGUFBytes.string("longrope")) } == "unsupported-trait")
        #expect(try kind(fault: .malformedInput) { $0.set("llama.rope.scaling.type", GGUFBytes.string("yarn")) } == "gguf-key")
    }
}
