import Checkpoints
import Storage
import Synchronization
import SystemPackage
import TestSupport
import Testing
import Transformer

/// How experts are read: one at a time, once, and only where a token goes to them; and what they take.
@Suite struct ExpertsTests {
    /// A checkpoint that remembers what was read of it, in order.
    private final class Recorded: WeightSource {
        private let checkpoint: Checkpoint
        private let read = Mutex<[String]>([])

        init(_ checkpoint: Checkpoint) { self.checkpoint = checkpoint }

        /// What was read since the last time that this was asked for.
        func take() -> [String] {
            read.withLock { names in
                let taken = names; names = []; return taken
            }
        }

        func read(_ name: String, from offset: Int, into destination: inout MutableSpan<Float>) throws {
            read.withLock { $0.append(name) }
            try checkpoint.read(name, from: offset, into: &destination)
        }
    }

    private func batch(_ model: LanguageModel, examples: Int, length: Int) -> TokenBatch {
        var random = SeededGenerator(seed: 11)
        return TokenBatch(
            (0..<examples).map { _ in
                let tokens = (0...length).map { _ in Int32.random(in: 0..<Int32(model.configuration.vocabularySize), using: &random) }
                return Example(windows: [Window(inputs: Array(tokens.dropLast()), targets: Array(tokens.dropFirst()))])
            })
    }

    /// Several micro-batches, each token of which goes to two of five experts: all are read, each once a pass.
    @Test func anExpertIsReadOnceAPassHoweverManyMicroBatchesThereAre() throws {
        let model = try Fixture.model("qwen2-moe-shared")
        let batch = batch(model, examples: 300, length: 20)
        #expect(batch.microBatches.count > 2)
        let expected = model.layout.layers[0].experts.flatMap(\.linears).map(\.weight)
        #expect(expected.count == 15 && model.layout.layers[1].experts.isEmpty)
        let source = Recorded(model.checkpoint)
        func experts() -> [String] { source.take().filter { $0.contains(".experts.") } }
        var sweep = try LayerSweep(model, batch, plan: .unbounded)
        _ = try sweep.scoreKeeping(from: source)
        #expect(experts() == expected)
        try sweep.backward(from: source, tap: GradientCollector(coefficients: [Float](repeating: 1, count: 300)))
        #expect(experts() == expected)
    }

    /// One token goes to two experts at most; the others are not read, and their gradients are 0 all the same.
    @Test func anExpertWithoutTokensIsNotRead() throws {
        let model = try Fixture.model("qwen2-moe-shared")
        let source = Recorded(model.checkpoint)
        var sweep = try LayerSweep(model, batch(model, examples: 1, length: 1), plan: .unbounded)
        _ = try sweep.scoreKeeping(from: source)
        let read = Set(source.take().filter { $0.contains(".experts.") })
        #expect(read.count == 6)
        let tap = GradientCollector(coefficients: [1])
        try sweep.backward(from: source, tap: tap)
        for name in model.layout.layers[0].experts.flatMap(\.linears).map(\.weight) {
            let gradient = try #require(tap.gradients[name])
            let isZero = gradient.allSatisfy { $0 == 0 }
            #expect(isZero == !read.contains(name), "\(name)")
        }
    }

    /// Seven more experts than one cost no more than their columns of routing weights: far less than one of them.
    @Test func thePeakCountsOneExpert() throws {
        let (hidden, width) = (16, 65536)
        func smallest(experts: Int) throws -> Int {
            try withScratchDirectory { directory in
                let model = try mixtral(experts: experts, hidden: hidden, width: width, in: directory)
                return SweepNeed(model, batch(model, examples: 2, length: 4), needsEveryExample: true).smallest
            }
        }
        let (one, eight) = (try smallest(experts: 1), try smallest(experts: 8))
        let expertBytes = 3 * 4 * hidden * width
        #expect(one > expertBytes + MemoryBudget.overhead)
        #expect(eight > one && eight - one < expertBytes / 1000)
    }

    /// A model of one layer, all zeros.
    private func mixtral(experts: Int, hidden: Int, width: Int, in directory: FilePath) throws -> LanguageModel {
        let configuration: [String: JSONValue] = [
            "model_type": "mixtral", "hidden_size": .integer(hidden), "intermediate_size": .integer(width), "num_hidden_layers": 1,
            "num_attention_heads": 2, "num_key_value_heads": 2, "vocab_size": 20, "max_position_embeddings": 8,
            "num_local_experts": .integer(experts), "num_experts_per_tok": 1,
        ]
        let document = JSONValue.object(JSONObject(members: configuration.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }))
        try write(Array(document.serialized(pretty: false).utf8), to: directory.appending("config.json"))
        let layer = "model.layers.0."
        var tensors: [(name: String, shape: [Int])] = [
            ("model.embed_tokens.weight", [20, hidden]), ("model.norm.weight", [hidden]), ("lm_head.weight", [20, hidden]),
            (layer + "input_layernorm.weight", [hidden]), (layer + "post_attention_layernorm.weight", [hidden]),
            (layer + "block_sparse_moe.gate.weight", [experts, hidden]),
        ]
        for part in ["q", "k", "v", "o"] { tensors.append((layer + "self_attn.\(part)_proj.weight", [hidden, hidden])) }
        for expert in 0..<experts {
            for (part, shape) in [("w1", [width, hidden]), ("w3", [width, hidden]), ("w2", [hidden, width])] {
                tensors.append((layer + "block_sparse_moe.experts.\(expert).\(part).weight", shape))
            }
        }
        try TensorFile(directory.appending("model.safetensors"), tensors: tensors, replacing: false).commit()
        return try LanguageModel(directory)
    }
}
