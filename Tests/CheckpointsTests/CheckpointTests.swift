import Checkpoints
import Storage
import SystemPackage
import TestSupport
import Testing

struct CheckpointTests {
    private let first = [TensorBytes("a", [2]), TensorBytes("b", [1])]
    private let second = [TensorBytes("c", [3])]
    private static let shardNames = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]

    private func shards() -> [(name: String, tensors: [TensorBytes])] { [(Self.shardNames[0], first), (Self.shardNames[1], second)] }

    private func error(_ prepare: (FilePath) throws -> Void) throws -> CheckpointError {
        try withScratchDirectory { directory in
            try prepare(directory)
            return try checkpointError { _ = try Checkpoint(directory) }
        }
    }

    // MARK: What is opened

    @Test func opensASingleFileAndItsDirectory() throws {
        try withScratchDirectory { directory in
            let path = directory.appending("model.safetensors")
            try write(safetensors(first), to: path)
            for (checkpoint, place) in [(try Checkpoint(directory), directory), (try Checkpoint(path), path)] {
                #expect(checkpoint.path == place)
                #expect(checkpoint.index == nil)
                #expect(try checkpoint.tensorBytes() == first)
                #expect(checkpoint.tensor(named: "b")?.shape == [1])
                #expect(checkpoint.file(holding: "b")?.path == path)
                #expect(checkpoint.tensor(named: "c") == nil)
                #expect(checkpoint.file(holding: "c") == nil)
            }
        }
    }

    @Test func opensShardsByTheirIndex() throws {
        try withScratchDirectory { directory in
            try writeShards(shards(), in: directory)
            // What the index does not name is no part of it.
            try write(safetensors([TensorBytes("a", [2])]), to: directory.appending("other.safetensors"))
            let checkpoint = try Checkpoint(directory)
            #expect(checkpoint.index?.path == directory.appending("model.safetensors.index.json"))
            #expect(checkpoint.shards.map { $0.file.path.lastComponent?.string } == Self.shardNames)
            #expect(try checkpoint.tensorBytes() == first + second)
            #expect(checkpoint.file(holding: "c")?.path == directory.appending(Self.shardNames[1]))
        }
    }

    @Test func opensTheShardedFixture() throws {
        let checkpoint = try Checkpoint(Fixture.directory.appending("llama-sharded"))
        #expect(checkpoint.shards.count == 3)
        #expect(checkpoint.tensors.count == 30)
        #expect(checkpoint.tensors.reduce(0) { $0 + $1.byteCount } == 71_136)
    }

    /// Swift's strings would take the two for one.
    @Test func tellsNamesApartByTheirBytes() throws {
        try withScratchDirectory { directory in
            let path = directory.appending("x.safetensors")
            try write(safetensors([TensorBytes("\u{E9}", [1]), TensorBytes("e\u{301}", [2])]), to: path)
            let checkpoint = try Checkpoint(path)
            #expect(checkpoint.tensor(named: "\u{E9}")?.shape == [1])
            #expect(checkpoint.tensor(named: "e\u{301}")?.shape == [2])
        }
    }

    // MARK: What is missing

    @Test func missesACheckpoint() throws {
        let empty = try error { _ in }
        #expect(empty.fault == .missingInput)
        #expect(empty.description.contains("model.safetensors"))
        try withScratchDirectory { directory in
            let error = try checkpointError { _ = try Checkpoint(directory.appending("none.safetensors")) }
            #expect(error.kind == "missing-file")
            #expect(error.fault == .missingInput)
        }
    }

    @Test func missesAShard() throws {
        let error = try error { directory in
            try writeShards(shards(), in: directory)
            FileSystem.remove(directory.appending(Self.shardNames[1]))
        }
        #expect(error.kind == "missing-shard")
        #expect(error.fault == .missingInput)
        #expect(error.description.contains(Self.shardNames[1]))
    }

    // MARK: What is wrong

    @Test func refusesASingleFileBesideAnIndex() throws {
        let error = try error { directory in
            try writeShards(shards(), in: directory)
            try write(safetensors(first), to: directory.appending("model.safetensors"))
        }
        #expect(error.kind == "ambiguous-checkpoint")
        #expect(error.fault == .malformedInput)
    }

    @Test(arguments: [
        "../x.safetensors", "/x.safetensors", "sub/x.safetensors", "..\\x.safetensors", "sub\\x.safetensors", "C:x.safetensors",
        "a\nb.safetensors", "",
        ".", "..", "config.json", "model.safetensors.index.json", "x.safetensors/", "./x.safetensors",
    ])
    func refusesShardsThatAreNoPlainNames(_ shard: String) throws {
        let error = try error { directory in
            // The file is there, so that only its name is wrong.
            try write(safetensors([TensorBytes("z", [1])]), to: directory.appending("x.safetensors"))
            try writeShards(shards(), in: directory, changing: ["z": shard])
        }
        #expect(error.kind == "shard-name")
        #expect(error.fault == .malformedInput)
    }

    @Test(arguments: [("a", 1), ("c", 0)])
    func refusesATensorMappedToTheWrongShard(_ tensor: String, _ shard: Int) throws {
        let error = try error { try writeShards(shards(), in: $0, changing: [tensor: Self.shardNames[shard]]) }
        #expect(error.kind == "index-mismatch")
        #expect(error.description.contains("\"\(tensor)\""))
    }

    @Test func refusesAMappedTensorThatIsNowhere() throws {
        #expect(try error { try writeShards(shards(), in: $0, changing: ["d": Self.shardNames[0]]) }.kind == "index-mismatch")
    }

    @Test func refusesATensorInTwoShards() throws {
        let error = try error { directory in
            try writeShards(
                [(Self.shardNames[0], first), (Self.shardNames[1], second + [first[0]])], in: directory, changing: ["a": Self.shardNames[0]]
            )
        }
        #expect(error.kind == "duplicate-name")
        #expect(error.description.contains("\"a\""))
    }

    @Test(arguments: [
        (#"{"metadata":{}}"#, "weight-map"), (#"{"weight_map":{}}"#, "weight-map"), (#"{"weight_map":[]}"#, "weight-map"),
        ("[]", "not-an-object"),
        (#"{"weight_map":{"a":1}}"#, "weight-map"), (#"{"weight_map":{"a":null}}"#, "weight-map"), (#"{"weight_map":"#, "json-syntax"),
        (#"{"weight_map":{"a":"x.safetensors","a":"y.safetensors"}}"#, "duplicate-name"), ("", "not-an-object"),
    ])
    func refusesAnIndexThatIsNone(_ text: String, _ kind: String) throws {
        let error = try error { try write(Array(text.utf8), to: $0.appending("model.safetensors.index.json")) }
        #expect(error.kind == kind)
        #expect(error.fault == .malformedInput)
    }

    @Test(arguments: [1, 12, 4000])
    func refusesATruncatedFile(_ missing: Int) throws {
        let bytes = try InputFile.contents(of: Fixture.directory.appending("llama-bf16").appending("model.safetensors"))
        let error = try error { try write(bytes.dropLast(missing) + [], to: $0.appending("model.safetensors")) }
        #expect(error.kind == "truncated-file")
        #expect(error.fault == .malformedInput)
    }

    @Test func refusesAGitLFSPointerAmongTheShards() throws {
        let error = try error { directory in
            try writeShards(shards(), in: directory)
            try write(
                Array("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n".utf8),
                to: directory.appending(Self.shardNames[1]))
        }
        #expect(error.kind == "lfs-pointer")
        #expect(error.description.contains(Self.shardNames[1]))
    }

    @Test func opensNoDirectoryInPlaceOfAFile() throws {
        #expect(try error { try FileSystem.createDirectory($0.appending("model.safetensors")) }.kind == "not-a-file")
    }
}
