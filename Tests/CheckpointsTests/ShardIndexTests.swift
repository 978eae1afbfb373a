import Checkpoints
import Storage
import SystemPackage
import TestSupport
import Testing

@Suite struct ShardIndexTests {
    private func index(_ text: [UInt8], _ shardExtension: String = "safetensors") throws -> ShardIndex {
        try withScratchDirectory { directory in
            let path = directory.appending("x.index.json")
            try write(text, to: path)
            return try ShardIndex(InputFile(path), shardExtension: shardExtension)
        }
    }

    private func index(_ text: String, _ shardExtension: String = "safetensors") throws -> ShardIndex {
        try index(Array(text.utf8), shardExtension)
    }

    /// The kind of the error; every one is malformed input, says which file it is about, and has no control character in it.
    private func kind(_ text: String, _ shardExtension: String = "safetensors") throws -> String {
        let error = try checkpointError { _ = try index(text, shardExtension) }
        #expect(error.fault == .malformedInput)
        #expect(error.description.contains("x.index.json: "))
        #expect(!error.description.unicodeScalars.contains { $0.value < 0x20 })
        return error.kind
    }

    /// An index of tensors named 0, 1, … in the given shards, whose names are written as they are.
    private static func map(_ shards: String...) -> String {
        #"{"weight_map":{"# + shards.enumerated().map { #""\#($0.offset)":"\#($0.element)""# }.joined(separator: ",") + "}}"
    }

    // MARK: What is taken

    @Test func readsWhatTransformersWrites() throws {
        let file = try InputFile(Fixture.directory.appending("llama-sharded/model.safetensors.index.json"))
        let index = try ShardIndex(file, shardExtension: "safetensors")
        #expect(index.assignments.count == 30)
        #expect(index.shards == (1...3).map { "model-0000\($0)-of-00003.safetensors" })
        #expect(index.totalSize == 71_136)
    }

    @Test func keepsTheOrderOfTensors() throws {
        let index = try index(
            #" {"extra":[{}],"weight_map":{"b":"y.bin","\u0061\u0000":"x.bin","é":"y.bin"},"metadata":{"total_size":12.0,"by":{}}} "#, "bin"
        )
        #expect(index.assignments.map(\.tensor) == ["b", "a\0", "é"])
        #expect(index.assignments.map(\.shard) == ["y.bin", "x.bin", "y.bin"])
        #expect(index.shards == ["x.bin", "y.bin"])
        #expect(index.totalSize == 12)
    }

    @Test(arguments: [
        ["model.safetensors"], ["a b.safetensors"], ["é.safetensors"], ["a..b.safetensors"],
        ["model-00001-of-00002.safetensors", "extra.safetensors"],
        ["model.fp16-00001-of-00002.safetensors", "model.fp16-00002-of-00002.safetensors"], ["1-of-2.safetensors", "x-of-3.safetensors"],
    ])
    func takesPlainNames(_ shards: [String]) throws {
        let text = #"{"weight_map":{"# + shards.map { #""\#($0)":"\#($0)""# }.joined(separator: ",") + "}}"
        let index = try index(text)
        #expect(index.assignments.map(\.shard) == shards)
        #expect(index.totalSize == nil)
    }

    // MARK: What is refused

    @Test(arguments: ["", " ", "[]", "null", #""a""#, "\u{FEFF}{}", "// x\n{}"])
    func refusesWhatIsNoObject(_ text: String) throws { #expect(try kind(text) == "not-an-object") }

    @Test(arguments: [
        "{", "{}{}", #"{"weight_map":{"a":"a.safetensors"}"#, #"{"weight_map":{"a":"a.safetensors",}}"#,
        #"{"weight_map":{"a":"a.safetensors"},"x":nul}"#,
        #"{"weight_map":{"a":"a.safetensors"},}"#, #"{"weight_map":{"a":"\ud800.safetensors"}}"#,
        #"{"weight_map":{"a":"a.safetensors" "b"}}"#,
        #"{"weight_map":{"a":"a.safetensors"} {}}"#, #"{"metadata":{"total_size":01}}"#,
    ])
    func refusesWhatIsNotJSON(_ text: String) throws { #expect(try kind(text) == "json-syntax") }

    @Test func refusesWhatIsNotUTF8() throws {
        let text = Array(#"{"weight_map":{"a":"a.safetensors""#.utf8) + [0x20, 0xFF] + Array("}}".utf8)
        #expect(try checkpointError { _ = try index(text) }.kind == "json-syntax")
    }

    @Test(arguments: [
        #"{"weight_map":{"a":"a.safetensors","a":"a.safetensors"}}"#, #"{"weight_map":{"a":"a.safetensors","\u0061":"b.safetensors"}}"#,
        #"{"weight_map":{"a":"a.safetensors"},"weight_map":{"b":"b.safetensors"}}"#, #"{"metadata":{"total_size":1,"total_size":2}}"#,
    ])
    func refusesRepeatedNames(_ text: String) throws { #expect(try kind(text) == "duplicate-name") }

    @Test(arguments: [
        "{}", #"{"metadata":{}}"#, #"{"weight_map":{}}"#, #"{"weight_map":null}"#, #"{"weight_map":[]}"#,
        #"{"weight_map":"a.safetensors"}"#,
        #"{"weight_map":{"a":1}}"#, #"{"weight_map":{"a":null}}"#, #"{"weight_map":{"a":["a.safetensors"]}}"#,
        #"{"weight_map":{"a":"a.safetensors","b":{}}}"#,
    ])
    func refusesWeightMaps(_ text: String) throws { #expect(try kind(text) == "weight-map") }

    @Test(arguments: [
        "", ".", "..", ".safetensors", "../a.safetensors", "/a.safetensors", "a/b.safetensors", #"a\\b.safetensors"#, #"..\\a.safetensors"#,
        #"\/etc.safetensors"#, "C:a.safetensors", "a:b.safetensors", #"a\u0000.safetensors"#, #"a\n.safetensors"#, "a\u{7F}.safetensors",
        "a\u{85}.safetensors",
        ".a.safetensors", "..safetensors", "a.safetensors/", "a.safetensors ", "a.SAFETENSORS", "a.bin", "a.safetensors.bin",
        "asafetensors", "safetensors",
        String(repeating: "a", count: 244) + ".safetensors",
    ])
    func refusesShardNames(_ name: String) throws { #expect(try kind(Self.map("good.safetensors", name)) == "shard-name") }

    @Test func wantsTheExtensionItIsTold() throws {
        #expect(try index(Self.map("a.bin"), "bin").shards == ["a.bin"])
        #expect(try kind(Self.map("a.safetensors"), "bin") == "shard-name")
        #expect(try kind(Self.map("a.bin")) == "shard-name")
    }

    /// One file to macOS or Windows: by case, by composition, by both.
    @Test(arguments: [("a", "A"), ("\u{E9}", "e\u{301}"), ("\u{C9}", "e\u{301}"), ("k", "\u{212A}"), ("stra\u{DF}e", "STRASSE")])
    func refusesShardsThatFileSystemsTakeForOne(_ first: String, _ second: String) throws {
        #expect(try kind(Self.map(first + ".safetensors", second + ".safetensors")) == "shard-name")
    }

    @Test func refusesMixedCounts() throws {
        #expect(try kind(Self.map("model-00001-of-00002.safetensors", "model-00002-of-00003.safetensors")) == "shard-count")
        #expect(try kind(Self.map("model-1-of-2.safetensors", "x.safetensors", "other-1-of-3.safetensors")) == "shard-count")
    }

    @Test(arguments: ["null", "[]", "1", #""x""#])
    func refusesMetadata(_ metadata: String) throws {
        #expect(try kind(#"{"metadata":\#(metadata),"weight_map":{"a":"a.safetensors"}}"#) == "metadata")
    }

    @Test(arguments: ["-1", "1.5", #""12""#, "null", "1e300", "{}"])
    func refusesTotalSizes(_ size: String) throws {
        #expect(try kind(#"{"metadata":{"total_size":\#(size)},"weight_map":{"a":"a.safetensors"}}"#) == "total-size")
    }

    @Test func boundsTheIndex() throws {
        try withScratchDirectory { directory in
            let path = directory.appending("x.index.json")
            try write(Array("{}".utf8), to: path)
            let file = try FileDescriptor.open(path, .readWrite)
            try file.closeAfter { try file.resize(to: 64 << 20 + 1) }
            #expect(try checkpointError { _ = try ShardIndex(InputFile(path), shardExtension: "bin") }.kind == "index-too-large")
        }
        #expect(try kind(#"{"x":[\#(String(repeating: "1,", count: 1 << 19))1]}"#) == "index-too-large")
    }

    @Test func boundsTheNumberOfTensors() throws {
        func text(_ count: Int) -> String {
            #"{"weight_map":{"# + (0..<count).map { #""\#($0)":"a.bin""# }.joined(separator: ",") + "}}"
        }
        try withScratchDirectory { directory in
            let path = directory.appending("x.index.json")
            try write(Array(text(1001).utf8), to: path)
            let file = try InputFile(path)
            #expect(try ShardIndex(file, shardExtension: "bin", mostTensors: 1001).assignments.count == 1001)
            #expect(try checkpointError { _ = try ShardIndex(file, shardExtension: "bin", mostTensors: 1000) }.kind == "too-many-tensors")
        }
    }

    @Test(arguments: [10, 100])
    func refusesAFileThatChangesItsSize(_ size: Int) throws {
        try withScratchDirectory { directory in
            let path = directory.appending("x.index.json")
            try write(Array(Self.map("a.bin").utf8), to: path)
            let file = try InputFile(path)
            let writer = try FileDescriptor.open(path, .readWrite)
            try writer.closeAfter { try writer.resize(to: Int64(size)) }
            #expect(try checkpointError { _ = try ShardIndex(file, shardExtension: "bin") }.kind == "file-changed")
        }
    }
}
