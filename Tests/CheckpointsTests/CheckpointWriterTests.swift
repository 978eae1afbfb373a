import Checkpoints
import Storage
import SystemPackage
import Tensors
import TestSupport
import Testing

/// The same values again and again, in whatever tensor is asked for.
private struct RepeatingSource: WeightSource {
    var values: [Float] = [0]

    func read(_ name: String, from offset: Int, into destination: inout MutableSpan<Float>) throws {
        for index in destination.indices { destination[index] = values[(offset + index) % values.count] }
    }
}

/// Fails when it has been asked for so many elements.
private struct FailingSource: WeightSource {
    var name: String

    func read(_ name: String, from offset: Int, into destination: inout MutableSpan<Float>) throws {
        guard name != self.name else { throw Unexpected() }
    }
}

struct CheckpointWriterTests {
    /// A copy of a model's directory to write from, with files beside the model's own.
    private func withModel(_ fixture: String, _ body: (_ model: FilePath, _ output: FilePath) throws -> Void) throws {
        try withScratchDirectory { scratch in
            let model = scratch.appending("model")
            try FileSystem.createDirectory(model)
            for (name, bytes) in try contents(of: Fixture.directory.appending(fixture))
            where name.hasPrefix("model") || name == "config.json" {
                try write(bytes, to: model.appending(name))
            }
            try write(Array(#"{"version":"1.0"}"#.utf8), to: model.appending("tokenizer.json"))
            try write((0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }, to: model.appending("README.md"))
            try write([], to: model.appending("empty"))
            try body(model, scratch.appending("out"))
        }
    }

    private func edit(
        _ model: FilePath, to output: FilePath, replacing: Bool = false, _ edited: Set<String> = [],
        from source: any WeightSource = RepeatingSource()
    ) throws {
        let directory = try StagedDirectory(output, replacing: replacing)
        try writeCheckpoint(Checkpoint(model), to: directory, edited, from: source)
        try directory.commit()
    }

    private func writeCheckpoint(
        _ base: Checkpoint, to directory: StagedDirectory, _ edited: Set<String> = [], from source: any WeightSource = RepeatingSource()
    ) throws {
        try CheckpointWriter(like: base, edited: edited, from: source).write(to: directory, beside: base.files?.companions() ?? [])
    }

    // MARK: Nothing edited

    @Test(arguments: Fixture.picoModels)
    func copiesWhatIsNotEdited(_ fixture: String) throws {
        try withModel(fixture) { model, output in
            try edit(model, to: output)
            let (before, after) = (try contents(of: model), try contents(of: output))
            #expect(after.keys.sorted() == before.keys.sorted())
            for (name, bytes) in before {
                let isSame = after[name] == bytes
                #expect(isSame, "\(name)")
            }
            #expect(before.count >= 5)
        }
    }

    /// Headers come along as they are: spaces, metadata, and the order of members.
    @Test func copiesASingleFile() throws {
        try withScratchDirectory { scratch in
            let text =
                #" {"b":{"data_offsets":[4,6],"shape":[1],"dtype":"BF16"},"__metadata__":{"z":"1"},"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}  "#
            let path = scratch.appending("weights.safetensors")
            try write(safetensors(header: text, dataCount: 6), to: path)
            try write([1], to: scratch.appending("other"))
            let output = scratch.appending("out")
            try edit(path, to: output)
            #expect(try contents(of: output) == ["weights.safetensors": safetensors(header: text, dataCount: 6)])
            try edit(path, to: output, replacing: true, ["b"], from: RepeatingSource(values: [1]))
            #expect(try contents(of: output) == ["weights.safetensors": safetensors(header: text, dataCount: 4) + [0x80, 0x3F]])
        }
    }

    /// Directories, such as a cache's, are no part of a model.
    @Test func leavesDirectoriesOut() throws {
        try withModel("llama-bf16") { model, output in
            try FileSystem.createDirectory(model.appending("onnx"))
            try edit(model, to: output)
            #expect(FileSystem.kind(of: output.appending("onnx")) == nil)
        }
    }

    // MARK: Some edited

    @Test(arguments: [
        ("llama-sharded", ["model.layers.0.mlp.up_proj.weight", "model.layers.2.self_attn.q_proj.weight", "model.norm.weight"]),
        ("llama-bf16", ["model.embed_tokens.weight"]), ("gpt2-untied-f16", ["lm_head.weight"]),
    ])
    func changesOnlyTheBytesOfWhatIsEdited(_ fixture: String, _ edited: [String]) throws {
        try withModel(fixture) { model, output in
            try edit(model, to: output, Set(edited), from: RepeatingSource(values: [0.5, -2, 1024]))
            let (before, after) = (try Checkpoint(model), try Checkpoint(output))
            #expect(before.shards.map { $0.safetensors?.bytes } == after.shards.map { $0.safetensors?.bytes })
            #expect(before.tensors == after.tensors)
            #expect(before.shards.map(\.file.size) == after.shards.map(\.file.size))
            for (old, new) in zip(try before.tensorBytes(), try after.tensorBytes()) {
                #expect((old == new) == !edited.contains(old.name), "\(old.name)")
            }
            for name in edited {
                let values = try after.floats(name)
                #expect(values == values.indices.map { [0.5, -2, 1024][$0 % 3] })
            }
            for name in ["config.json", "tokenizer.json", "README.md"] {
                #expect(try InputFile.contents(of: output.appending(name)) == InputFile.contents(of: model.appending(name)))
            }
        }
    }

    /// A note stands in the metadata of the files that hold an edited tensor, in place of an older one; the others stay as they are.
    @Test func notesWhatIsEdited() throws {
        try withModel("llama-sharded") { model, output in
            let base = try Checkpoint(model)
            for value in ["one", "two"] {
                let directory = try StagedDirectory(output, replacing: true)
                try CheckpointWriter(
                    like: base, edited: ["model.norm.weight"], from: RepeatingSource(values: [1]), note: ("excise.edits", value)
                ).write(to: directory, beside: base.files?.companions() ?? [])
                try directory.commit()
            }
            let after = try Checkpoint(output)
            #expect(after.tensors.map(\.description) == base.tensors.map(\.description))
            for (old, new) in zip(base.shards, after.shards) {
                let header = try #require(new.safetensors)
                guard header.tensors.contains(where: { $0.name == "model.norm.weight" }) else {
                    #expect(old.safetensors?.bytes == header.bytes)
                    continue
                }
                let notes = (header.metadata ?? []).filter { $0.name == "excise.edits" }
                #expect(notes.map(\.value) == ["two"])
                #expect((header.metadata ?? []).count == (old.safetensors?.metadata ?? []).count + 1)
            }
        }
    }

    /// Halfway values go to the even neighbour; infinities and NaN stay what they are.
    @Test(
        arguments: [
            (
                "BF16",
                [
                    1, 1 + 0x1p-8, 1 + 0x1p-8 + 0x1p-20, 1 + 0x3p-8, -(1 + 0x1p-8), 0, -0.0, 0x1p-133, 0x1p-134, 3 * 0x1p-134, .infinity,
                    0x1.FE8p127,
                ],
                [0x3F80, 0x3F80, 0x3F81, 0x3F82, 0xBF80, 0, 0x8000, 1, 0, 2, 0x7F80, 0x7F7F]
            ),
            (
                "F16",
                [
                    1, 1 + 0x1p-11, 1 + 0x1p-11 + 0x1p-20, 1 + 0x3p-11, -(1 + 0x1p-11), 0, -0.0, 0x1p-24, 0x1p-25, 3 * 0x1p-25, 65_504,
                    65_519.996, -.infinity, 0x1p-14,
                ],
                [0x3C00, 0x3C00, 0x3C01, 0x3C02, 0xBC00, 0, 0x8000, 1, 0, 2, 0x7BFF, 0x7BFF, 0xFC00, 0x0400]
            ),
        ] as [(String, [Float], [UInt16])])
    func roundsToTheNearestAndEven(_ dtype: String, _ values: [Float], _ stored: [UInt16]) throws {
        try withScratchDirectory { scratch in
            let path = scratch.appending("a.safetensors")
            let (count, width) = (values.count, 2)
            try write(safetensors([TensorBytes("a", dtype, [count], bytes: [UInt8](repeating: 0, count: count * width))]), to: path)
            try edit(path, to: scratch.appending("out"), ["a"], from: RepeatingSource(values: values))
            let bytes = try #require(try Checkpoint(scratch.appending("out").appending("a.safetensors")).tensorBytes().first).bytes
            #expect(stride(from: 0, to: bytes.count, by: 2).map { UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8 } == stored)
            try edit(path, to: scratch.appending("out"), replacing: true, ["a"], from: RepeatingSource(values: [.nan]))
            let checkpoint = try Checkpoint(scratch.appending("out").appending("a.safetensors"))
            #expect(try checkpoint.floats("a").allSatisfy(\.isNaN))
        }
    }

    @Test func keepsF32AsItIs() throws {
        try withScratchDirectory { scratch in
            let values: [Float] = [1.1, -0.0, .leastNonzeroMagnitude, .greatestFiniteMagnitude, .infinity, Float(bitPattern: 0x7FA0_0001)]
            let path = scratch.appending("a.safetensors")
            try write(safetensors([TensorBytes("a", [2, 3])]), to: path)
            try edit(path, to: scratch.appending("out"), ["a"], from: RepeatingSource(values: values))
            let checkpoint = try Checkpoint(scratch.appending("out").appending("a.safetensors"))
            #expect(try checkpoint.floats("a").map(\.bitPattern) == values.map(\.bitPattern))
        }
    }

    /// A tensor of more than one piece, and of none.
    @Test(arguments: [1 << 18, 1 << 18 + 1, 600_000, 0])
    func writesTensorsOfAnySize(_ count: Int) throws {
        try withScratchDirectory { scratch in
            let path = scratch.appending("a.safetensors")
            try write(safetensors([TensorBytes("a", [count]), TensorBytes("b", [2])]), to: path)
            let values = (0..<997).map { Float($0) }
            try edit(path, to: scratch.appending("out"), ["a"], from: RepeatingSource(values: values))
            let checkpoint = try Checkpoint(scratch.appending("out").appending("a.safetensors"))
            #expect(try checkpoint.floats("a") == (0..<count).map { values[$0 % 997] })
            #expect(try checkpoint.floats("b") == [0, 0])
        }
    }

    /// The checkpoint that is its own source comes out as it was.
    @Test(arguments: ["llama-bf16", "gpt2-untied-f16", "llama-sharded"])
    func roundsNothingThatIsExact(_ fixture: String) throws {
        try withModel(fixture) { model, output in
            let checkpoint = try Checkpoint(model)
            try edit(model, to: output, Set(checkpoint.tensors.map(\.name)), from: checkpoint)
            let isSame = try contents(of: output) == contents(of: model)
            #expect(isSame)
        }
    }

    // MARK: Where it goes

    @Test func replacesOnlyWhatItMay() throws {
        try withModel("llama-bf16") { model, output in
            try FileSystem.createDirectory(output)
            try write([1], to: output.appending("old"))
            #expect(throws: StorageError.self) { try edit(model, to: output) }
            #expect(try contents(of: output) == ["old": [1]])
            try edit(model, to: output, replacing: true)
            let isSame = try contents(of: output) == contents(of: model)
            #expect(isSame)
        }
    }

    /// Over itself: everything is read before the old directory goes.
    @Test func replacesItsOwnModel() throws {
        try withModel("llama-sharded") { model, _ in
            let before = try contents(of: model)
            try edit(model, to: model, replacing: true, ["model.norm.weight"], from: RepeatingSource(values: [1]))
            let after = try contents(of: model)
            #expect(Set(before.keys) == Set(after.keys))
            #expect(before.filter { after[$0.key] != $0.value }.keys.sorted() == ["model-00003-of-00003.safetensors"])
        }
    }

    @Test func leavesNothingUncommitted() throws {
        try withModel("llama-sharded") { model, output in
            do {
                try writeCheckpoint(Checkpoint(model), to: StagedDirectory(output, replacing: false))
            }
            #expect(try FileSystem.names(in: output.removingLastComponent()) == ["model"])
        }
    }

    @Test(arguments: ["model.layers.0.mlp.up_proj.weight", "lm_head.weight"])
    func leavesNothingWhereTheSourceFails(_ name: String) throws {
        try withModel("llama-sharded") { model, output in
            let edited = Set(try Checkpoint(model).tensors.map(\.name))
            #expect(throws: Unexpected.self) { try edit(model, to: output, edited, from: FailingSource(name: name)) }
            #expect(try FileSystem.names(in: output.removingLastComponent()) == ["model"])
        }
    }

    @Test func leavesNothingWhereTheModelShrinks() throws {
        try withModel("llama-bf16") { model, output in
            let checkpoint = try Checkpoint(model)
            try write([1, 2, 3], to: model.appending("model.safetensors"))
            let error = try #require(throws: StorageError.self) {
                try writeCheckpoint(checkpoint, to: StagedDirectory(output, replacing: false))
            }
            #expect(error.kind == "truncated-file")
            #expect(try FileSystem.names(in: output.removingLastComponent()) == ["model"])
        }
    }
}
