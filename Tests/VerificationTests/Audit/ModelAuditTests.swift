import Checkpoints
import Foundation
import Storage
import SystemPackage
import Tensors
import TestSupport
import Testing
import Verification

/// Each thing that can be wrong with a model's files, done to a model that was sound.
@Suite struct ModelAuditTests {
    private static let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"
    private static let index = "model.safetensors.index.json"
    private static func shard(_ number: Int) -> String { "model-0000\(number)-of-00003.safetensors" }

    /// What is found in a copy of a model after it was damaged.
    private func findings(in fixture: String = "llama-tied-gqa", after damage: (AuditedModel) throws -> Void) throws -> [String] {
        try AuditedModel.with(fixture) { model in
            try damage(model)
            return try model.findings()
        }
    }

    // MARK: What is sound

    @Test(arguments: Fixture.picoModels)
    func findsNothingInASoundModel(_ fixture: String) throws {
        #expect(try findings(in: fixture) { _ in } == [])
    }

    @Test func findsNothingInRealModels() throws {
        let shared = Fixture.shared?.appending("models").appending("stories260K")
        for directory in [Quickstart.directory?.appending("model"), shared, Fixture.smolLM2].compactMap({ $0 }) {
            #expect(try ModelAudit(FileTree(directory: directory)).findings == [])
        }
    }

    // MARK: The directory

    @Test func missingFiles() throws {
        try AuditedModel.with("llama-sharded") { model in
            for name in ["config.json", "tokenizer.json", Self.shard(2)] { model.remove(name) }
            #expect(
                try model.findings() == [
                    "error missing-shard \(Self.index) \(Self.shard(2))", "error missing-file config.json",
                    "error missing-file tokenizer.json",
                ])
            #expect(try model.audit().fault == .missingInput)
            try model.put("config.json", "{")
            #expect(try model.audit().fault == .malformedInput)
        }
        #expect(try findings { $0.remove("model.safetensors") } == ["error missing-file model.safetensors"])
        #expect(try findings(in: "llama-sharded") { $0.remove(Self.index) } == ["error missing-file \(Self.index)"])
    }

    @Test func gitLFSPointers() throws {
        for name in ["config.json", "tokenizer.json", "model.safetensors", "generation_config.json", "LICENSE"] {
            #expect(try findings { try $0.put(name, Self.pointer) } == ["error lfs-pointer \(name)"])
        }
        for name in [Self.index, Self.shard(3)] {
            #expect(try findings(in: "llama-sharded") { try $0.put(name, Self.pointer) } == ["error lfs-pointer \(name)"])
        }
    }

    @Test func links() throws {
        try withScratchDirectory { elsewhere in
            try write(Array("text".utf8), to: elsewhere.appending("text"))
            let found = try findings { model in
                try model.link("inside.txt", to: "config.json")
                try model.link("outside.txt", to: elsewhere.appending("text").string)
                try model.link("nowhere.txt", to: "gone")
                try model.link("circle.txt", to: "circle.txt")
            }
            #expect(
                found == ["warning dangling-link circle.txt", "warning dangling-link nowhere.txt", "warning escaping-link outside.txt"])
        }
    }

    /// The files of a snapshot are links into the cache's own blobs.
    @Test func linksOfASnapshot() throws {
        try AuditedModel.with("llama-tied-gqa") { model in
            let snapshot = model.directory.appending("models--a--b").appending("snapshots").appending("c")
            try FileManager.default.createDirectory(atPath: snapshot.string, withIntermediateDirectories: true)
            for name in ["config.json", "tokenizer.json", "model.safetensors"] {
                try FileManager.default.createSymbolicLink(
                    atPath: snapshot.appending(name).string, withDestinationPath: "../../../" + name)
            }
            #expect(try ModelAudit(FileTree(directory: snapshot)).findings == [])
        }
    }

    @Test func otherFilesOfTensors() throws {
        let found = try findings { model in
            for name in ["pytorch_model.bin", "model.gguf", "tf_model.h5"] { try model.put(name, "GGUF") }
            try write(InputFile.contents(of: model["model.safetensors"]), to: model["adapter.safetensors"])
            try model.put("broken.safetensors", "1234567")
        }
        #expect(
            found == [
                "warning stray-file adapter.safetensors", "error truncated-file broken.safetensors",
                "warning stray-file broken.safetensors",
                "warning other-container model.gguf", "warning other-container pytorch_model.bin", "warning other-container tf_model.h5",
            ])
    }

    // MARK: The files of tensors

    @Test func everyDefectOfEveryHeader() throws {
        let found = try findings(in: "llama-sharded") { model in
            try model.replace(#""dtype":"F32","shape":[24]"#, by: #""dtype":"F33","shape":[24]"#, in: Self.shard(1))
            try write(InputFile.contents(of: model[Self.shard(2)]) + [0], to: model[Self.shard(2)])
        }
        #expect(
            found == [
                "error dtype \(Self.shard(1)) model.layers.0.input_layernorm.weight",
                "error dtype \(Self.shard(1)) model.layers.0.post_attention_layernorm.weight",
                "error trailing-bytes \(Self.shard(2))",
            ])
    }

    @Test func indexAgainstShards() throws {
        let head = "lm_head.weight"
        func moved(_ name: String, _ damage: (AuditedModel) throws -> Void) throws -> [String] {
            try findings(in: "llama-sharded", after: damage)
        }
        #expect(
            try moved("wrong shard") {
                try $0.replace("\"\(head)\": \"\(Self.shard(3))", by: "\"\(head)\": \"\(Self.shard(1))", in: Self.index)
            }
                == ["error index-mismatch \(Self.index) \(head)"])
        #expect(
            try moved("nowhere") { model in
                try model.replace("\"\(head)\":", by: "\"head\":", in: Self.index)
            } == ["error index-mismatch \(Self.index) head", "warning unindexed-tensor \(Self.shard(3)) \(head)"])
        #expect(
            try moved("twice") { model in
                try model.retensor(Self.shard(2)) { $0.add(head, [79, 24]) }
            } == ["error duplicate-name \(Self.shard(3)) \(head)", "warning total-size-mismatch \(Self.index) total_size"])
        #expect(
            try moved("beside") { model in
                try model.retensor(Self.shard(3)) { $0.add("extra", [0]) }
            } == ["warning unindexed-tensor \(Self.shard(3)) extra", "warning unknown-tensor \(Self.shard(3)) extra"])
        #expect(
            try moved("size") { try $0.replace("71136", by: "71137", in: Self.index) }
                == ["warning total-size-mismatch \(Self.index) total_size"])
        #expect(
            try moved("both") { try write(InputFile.contents(of: $0[Self.shard(1)]), to: $0["model.safetensors"]) }
                == ["error ambiguous-checkpoint model.safetensors"])
        #expect(
            try moved("counts") { model in
                let bytes = try InputFile.contents(of: model[Self.shard(1)])
                try write(bytes, to: model["model-00001-of-00002.safetensors"])
                try write(bytes, to: model["model-00004-of-00003.safetensors"])
            } == [
                "error shard-count model-00001-of-00002.safetensors", "warning stray-file model-00004-of-00003.safetensors",
            ])
    }

    /// Shards that cannot be trusted by the index are still read each by itself.
    @Test(arguments: [
        ("\"\(shard(3))\"", "\"../\(shard(3))\"", "shard-name"), ("\"\(shard(3))\"", "\"/etc/\(shard(3))\"", "shard-name"),
        ("\"\(shard(3))\"", "3", "weight-map"), ("71136", "-1", "total-size"),
        ("\"\(shard(3))\"", "\"model-00003-of-00004.safetensors\"", "shard-count"),
        ("\"weight_map\"", "weight_map", "json-syntax"), ("\"weight_map\"", "\"metadata\"", "duplicate-name"),
        ("\"weight_map\"", "\"weights\"", "weight-map"),
    ])
    func malformedIndex(_ part: String, _ other: String, _ code: String) throws {
        let found = try findings(in: "llama-sharded") { model in
            try model.replace(part, by: other, in: Self.index)
            try write([0], to: model[Self.shard(2)])
        }
        #expect(found == ["error \(code) \(Self.index)", "error truncated-file \(Self.shard(2))"])
    }

    @Test func pyTorchFiles() throws {
        let fixtures = Fixture.directory.appending("pytorch")
        func found(_ file: String) throws -> [String] {
            try findings { model in
                model.remove("model.safetensors")
                try model.set("model_type", "other")
                try write(InputFile.contents(of: fixtures.appending(file)), to: model["pytorch_model.bin"])
            }
        }
        let family = "warning unsupported-architecture config.json model_type"
        #expect(try found("views.pt") == [family])
        #expect(try found("refused-system.pt") == ["error forbidden-global pytorch_model.bin", family])
        #expect(try found("refused-legacy.pt") == ["error legacy-pytorch pytorch_model.bin", family])
        #expect(try found("refused-transposed.pt").first?.hasPrefix("error strided-tensor pytorch_model.bin ") == true)
        let sharded = try findings { model in
            model.remove("model.safetensors")
            try model.set("model_type", "other")
            try write(InputFile.contents(of: fixtures.appending("views.pt")), to: model["pytorch_model-00001-of-00002.bin"])
            try model.put(
                "pytorch_model.bin.index.json",
                #"{"weight_map": {"none": "pytorch_model-00001-of-00002.bin", "a": "pytorch_model-00002-of-00002.bin"}}"#)
        }
        #expect(
            sharded.prefix(2) == [
                "error missing-shard pytorch_model.bin.index.json pytorch_model-00002-of-00002.bin",
                "error index-mismatch pytorch_model.bin.index.json none",
            ])
        #expect(sharded.dropFirst(2).dropLast().allSatisfy { $0.hasPrefix("warning unindexed-tensor pytorch_model-00001-of-00002.bin ") })
        #expect(sharded.last == family)
    }

    @Test func singleFiles() throws {
        func codes(_ path: String) throws -> [String] { try ModelAudit(InputFile(Fixture.directory.appending(path))).findings.map(\.code) }
        #expect(try codes("odd/24-leading-space.safetensors") == ["leading-whitespace"])
        #expect(try codes("malformed/09-gap.safetensors") == ["offset-gap"])
        #expect(try codes("pytorch/refused-eval.pt") == ["forbidden-global"])
        try withScratchDirectory { directory in
            try write(GGUFBytes(fixture: "llama").bytes, to: directory.appending("m.gguf"))
            #expect(try ModelAudit(InputFile(directory.appending("m.gguf"))).findings.map(\.code) == [])
            try write(Array("GGUF".utf8), to: directory.appending("m.gguf"))
            #expect(try ModelAudit(InputFile(directory.appending("m.gguf"))).findings.map(\.code) == ["gguf-truncated"])
        }
    }

    // MARK: The configuration

    @Test(
        arguments: [
            ("model_type", nil, "error configuration config.json model_type"),
            ("model_type", "other", "warning unsupported-architecture config.json model_type"),
            ("hidden_act", "none", "warning unsupported-trait config.json hidden_act"),
            ("hidden_size", "wide", "error configuration config.json hidden_size"),
            ("num_key_value_heads", 3, "error configuration config.json num_key_value_heads"),
            ("bos_token_id", 61, "error special-token config.json bos_token_id"),
            ("bos_token_id", "<s>", "error special-token config.json bos_token_id"),
            ("eos_token_id", [2, 1000], "error special-token config.json eos_token_id"),
            ("eos_token_id", -1, "error special-token config.json eos_token_id"),
            ("pad_token_id", -1, "warning special-token config.json pad_token_id"),
        ] as [(String, JSONValue?, String)])
    func configuration(_ key: String, _ value: JSONValue?, _ finding: String) throws {
        #expect(try findings { try $0.set(key, value) } == [finding])
    }

    @Test func configurationThatIsNoDocument() throws {
        #expect(try findings { try $0.put("config.json", "{,}") } == ["error json-syntax config.json"])
        #expect(try findings { try $0.put("config.json", "[]") } == ["error configuration config.json model_type"])
        #expect(
            try findings {
                try $0.put("generation_config.json", #"{"eos_token_id": 61}"#)
                try $0.put("tokenizer_config.json", "{'a': 1}")
            } == ["error special-token generation_config.json eos_token_id", "error json-syntax tokenizer_config.json"])
        #expect(try findings { try $0.put("generation_config.json", "") } == ["error json-syntax generation_config.json"])
    }

    /// One wrong size shows in every tensor that has it.
    @Test func shapes() throws {
        let layers = (0..<2).flatMap { layer in ["gate", "up", "down"].map { "model.layers.\(layer).mlp.\($0)_proj.weight" } }
        let size = try InputFile.json(Fixture.directory.appending("llama-tied-gqa/config.json"))["intermediate_size"]?.integer ?? 0
        #expect(
            try findings { try $0.set("intermediate_size", .integer(size + 1)) }
                == layers.map { "error unexpected-shape model.safetensors \($0)" })
        #expect(
            try findings { try $0.set("vocab_size", 60) } == [
                "error unexpected-shape model.safetensors model.embed_tokens.weight", "error tokenizer-mismatch tokenizer.json",
            ])
    }

    @Test func missingAndSurplusTensors() throws {
        let norm = "model.layers.1.input_layernorm.weight"
        #expect(
            try findings { model in
                try model.retensor {
                    $0.remove("model.norm.weight")
                    $0.remove(norm)
                    $0.add("model.layers.0.self_attn.q_proj.bias", [4])
                    $0.add("model.layers.0.self_attn.rotary_emb.inv_freq", [4])
                }
            } == [
                "error missing-tensor model.safetensors model.norm.weight", "error missing-tensor model.safetensors \(norm)",
                "warning unknown-tensor model.safetensors model.layers.0.self_attn.q_proj.bias",
            ])
        #expect(try findings { try $0.set("num_hidden_layers", 1) } == ["warning surplus-layer model.safetensors 1"])
        let deeper = try findings { try $0.set("num_hidden_layers", 3) }
        #expect(deeper.count == 9 && deeper.allSatisfy { $0.hasPrefix("error missing-tensor model.safetensors model.layers.2.") })
    }

    @Test func heads() throws {
        #expect(
            try findings { model in try model.retensor { $0.add("lm_head.weight", [61, 1]) } }
                == ["warning tied-head model.safetensors lm_head.weight"])
        #expect(
            try findings { try $0.set("tie_word_embeddings", false) } == ["error missing-tensor model.safetensors lm_head.weight"])
    }

    @Test func buffersOfGPT2() throws {
        let found = try findings(in: "gpt2-tied") { model in
            try model.retensor {
                $0.add("transformer.h.0.attn.bias", [1, 1, 4, 4])
                $0.add("transformer.h.1.attn.masked_bias", [])
                $0.add("h.0.attn.bias", [1])
                $0.add("transformer.h.01.attn.bias", [1])
            }
        }
        #expect(found == ["warning unknown-tensor model.safetensors transformer.h.01.attn.bias"])
    }

    @Test func dtypesThatAreNotComputedWith() throws {
        let found = try findings { model in
            try model.retensor { contents in
                for (index, entry) in contents.enumerated() where entry.tensor.name == "model.norm.weight" {
                    contents[index].tensor = TensorDescription(name: entry.tensor.name, dtype: .i32, shape: entry.tensor.shape)
                }
            }
        }
        #expect(found == ["warning unsupported-dtype model.safetensors model.norm.weight"])
    }

    // MARK: The tokenizer

    @Test func tokenizers() throws {
        func found(_ text: String) throws -> [String] { try findings { try $0.put("tokenizer.json", text) } }
        #expect(try found(#"{"model": {"type": "BPE", "vocab": {"a": 61}, "merges": []}}"#) == ["error tokenizer-mismatch tokenizer.json"])
        #expect(try found(#"{"model": {"type": "WordPiece", "vocab": {}}}"#) == ["warning unsupported-tokenizer tokenizer.json"])
        #expect(try found(#"{"model": {"type": "BPE"}}"#) == ["error tokenizer-missing-item tokenizer.json"])
        #expect(try found(#"{"model": "#) == ["error json-syntax tokenizer.json"])
        #expect(
            try findings { model in
                model.remove("tokenizer.json")
                try model.put("vocab.txt", "[UNK]")
            } == ["warning other-tokenizer vocab.txt"])
        #expect(
            try findings { model in
                model.remove("tokenizer.json")
                try model.put("tokenizer.model", "sentences")
            } == ["error malformed-sentencepiece-model tokenizer.model"])
    }

    // MARK: Bounds

    /// However many findings there are, they are counted, and the first are kept.
    @Test func keepsTheFirstOfManyAlike() throws {
        try AuditedModel.with("llama-sharded") { model in
            let names = (0..<150).map { "\"none.\($0)\": \"\(Self.shard(1))\"," }.joined()
            try model.replace(#""weight_map": {"#, by: #""weight_map": {"# + names, in: Self.index)
            let audit = try model.audit()
            #expect(audit.findings.count == 100 && audit.errorCount == 150 && audit.warningCount == 0)
            #expect(audit.findings.allSatisfy { $0.code == "index-mismatch" })
        }
        try AuditedModel.with("llama-tied-gqa") { model in
            try model.set("num_hidden_layers", 4096)
            let audit = try model.audit()
            #expect(audit.findings.count == 100 && audit.errorCount == 100)
        }
    }

    /// What a sentence says of its place the finding has already said.
    @Test func sentences() throws {
        try AuditedModel.with("llama-tied-gqa") { model in
            try model.set("vocab_size", 60)
            try model.put("generation_config.json", "")
            model.remove("tokenizer.json")
            try model.retensor { $0.remove("model.norm.weight") }
            for finding in try model.audit().findings {
                #expect(!finding.message.contains(model.directory.string) && finding.message.hasSuffix("."), "\(finding.message)")
                #expect(!finding.message.hasPrefix(finding.file + ": "))
            }
        }
    }
}
