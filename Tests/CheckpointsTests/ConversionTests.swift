import Checkpoints
import Storage
import SystemPackage
import Tensors
import TestSupport
import Testing

struct ConversionTests {
    private func convert(_ model: FilePath, to output: FilePath, _ prepare: (inout Conversion) -> Void = { _ in }) throws {
        var conversion = Conversion()
        prepare(&conversion)
        let staged = try StagedDirectory(output, replacing: false)
        try conversion.write(ConversionSource(Checkpoint(model)), to: staged)
        try staged.commit()
    }

    /// Whatever shards and order the tensors come in, the canonical file is the same.
    @Test func isCanonical() throws {
        try withScratchDirectory { directory in
            let fixture = Fixture.directory.appending("llama-sharded")
            let (one, few, many, again) = (
                directory.appending("one"), directory.appending("few"), directory.appending("many"), directory.appending("again")
            )
            try convert(fixture, to: one)
            try convert(fixture, to: few) { ($0.order, $0.shardSize) = (.preserve, 30_000) }
            try convert(few, to: many) { $0.shardSize = 5_000 }
            try convert(many, to: again)
            #expect(try Checkpoint(many).shards.count > 10)
            let isSame = try contents(of: again) == contents(of: one)
            #expect(isSame)
            #expect(try FileSystem.names(in: one) == ["config.json", "model.safetensors"])
            for path in [one, few, many] { #expect(try Checkpoint(path).contentDigest() == Checkpoint(fixture).contentDigest()) }
        }
    }

    @Test func preservesShardsAndOrder() throws {
        try withScratchDirectory { directory in
            let fixture = Fixture.directory.appending("llama-sharded")
            try convert(fixture, to: directory.appending("f16")) { ($0.order, $0.dtype) = (.preserve, .f16) }
            let (before, after) = (try Checkpoint(fixture), try Checkpoint(directory.appending("f16")))
            #expect(after.shards.map(\.name) == before.shards.map(\.name))
            #expect(after.tensors.map(\.name) == before.tensors.map(\.name))
            #expect(after.tensors.allSatisfy { $0.dtype == .f16 })
        }
    }

    /// F32 holds every BF16 value: there and back is the same file; config.json names what the tensors are.
    @Test func changesTheDType() throws {
        try withScratchDirectory { directory in
            let fixture = Fixture.directory.appending("llama-bf16")
            let (base, wide, back) = (directory.appending("base"), directory.appending("wide"), directory.appending("back"))
            try convert(fixture, to: base)
            try convert(base, to: wide) { $0.dtype = .f32 }
            try convert(wide, to: back) { $0.dtype = .bf16 }
            let isSame =
                try InputFile.contents(of: back.appending("model.safetensors"))
                == InputFile.contents(of: base.appending("model.safetensors"))
            #expect(isSame)
            #expect(try Checkpoint(wide).tensors.allSatisfy { $0.dtype == .f32 })
            let configuration = try InputFile.json(wide.appending("config.json"))
            #expect((configuration["dtype"] ?? configuration["torch_dtype"])?.string == "float32")
            let name = "model.norm.weight"
            #expect(try Checkpoint(wide).floats(name) == Checkpoint(base).floats(name))
        }
    }

    @Test func carriesWhatItDoesNotComputeWith() throws {
        try withScratchDirectory { directory in
            let path = directory.appending("a.safetensors")
            let odd = TensorBytes("odd", "F8_E4M3", [3], bytes: [1, 2, 0xFF])
            try write(safetensors([TensorBytes("a", [2]), odd]), to: path)
            try convert(path, to: directory.appending("out")) { $0.dtype = .bf16 }
            let written = try Checkpoint(directory.appending("out")).tensorBytes()
            #expect(written == [TensorBytes("a", "BF16", [2], bytes: [0, 0, 0, 0]), odd])
        }
    }

    @Test(arguments: [DType.f16, .bf16])
    func refusesWhatOverflows(_ dtype: DType) throws {
        try withScratchDirectory { directory in
            let path = directory.appending("a.safetensors")
            let bits = Float.greatestFiniteMagnitude.bitPattern
            let bytes = (0..<4).map { UInt8(truncatingIfNeeded: bits >> (8 * $0)) }
            try write(safetensors([TensorBytes("big", "F32", [1], bytes: bytes)]), to: path)
            let error = try checkpointError { try convert(path, to: directory.appending("out")) { $0.dtype = dtype } }
            #expect(error.kind == "overflow")
            #expect(error.description.contains("big"))
            #expect(try FileSystem.names(in: directory) == ["a.safetensors"])
        }
    }

    /// What another container holds would survive an edit: it does not come along.
    @Test func leavesOtherContainersBehind() throws {
        try withScratchDirectory { directory in
            let model = directory.appending("model")
            try FileSystem.createDirectory(model)
            for (name, bytes) in try contents(of: Fixture.directory.appending("llama-bf16")) { try write(bytes, to: model.appending(name)) }
            for name in ["pytorch_model.bin", "pytorch_model.bin.index.json", "old.GGUF", "notes.md", "merges.txt"] {
                try write([1], to: model.appending(name))
            }
            try convert(model, to: directory.appending("out"))
            #expect(try FileSystem.names(in: directory.appending("out")) == ["config.json", "merges.txt", "model.safetensors", "notes.md"])
        }
    }

    /// Seeded by name and index: the same values however they are cut into shards.
    @Test func roundsStochasticallyByTheSeed() throws {
        try withScratchDirectory { directory in
            let fixture = Fixture.directory.appending("llama-tied-gqa")
            func floats(_ name: String, _ seed: UInt64, size: Int?) throws -> [Float] {
                try convert(fixture, to: directory.appending(name)) {
                    ($0.dtype, $0.rounding, $0.shardSize) = (.bf16, .stochastic(seed: seed), size)
                }
                return try Checkpoint(directory.appending(name)).floats("model.embed_tokens.weight")
            }
            let (one, shards, other) = (try floats("a", 1, size: nil), try floats("b", 1, size: 3000), try floats("c", 2, size: nil))
            let (isSame, isOther) = (one == shards, one != other)
            #expect(isSame && isOther)
        }
    }
}
