import Checkpoints
import Storage
import SystemPackage
import Tensors
import TestSupport
import Testing

struct SafetensorsHeaderTests {
    private func header(_ bytes: [UInt8]) throws -> SafetensorsHeader {
        try withScratchDirectory { directory in
            let path = directory.appending("x.safetensors")
            try write(bytes, to: path)
            return try SafetensorsHeader(of: InputFile(path))
        }
    }

    private static func length(_ value: UInt64) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) } }

    private static let good = #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#

    // MARK: Files too large, or too restless, to be kept beside the tests

    /// A file of `size` bytes that begins with `bytes` and takes no room.
    private func sparse<Result>(_ bytes: [UInt8], size: Int, _ body: (InputFile) throws -> Result) throws -> Result {
        try withScratchDirectory { directory in
            let path = directory.appending("x.safetensors")
            try write(bytes, to: path)
            let file = try FileDescriptor.open(path, .readWrite)
            try file.closeAfter { try file.resize(to: Int64(size)) }
            return try body(InputFile(path))
        }
    }

    private func kind(_ file: InputFile) throws -> String { try checkpointError { _ = try SafetensorsHeader(of: file) }.kind }

    /// The file is as large as its header says, but the format allows none so large.
    @Test(arguments: [100_000_001, 1 << 32, 1 << 40])
    func refusesAHeaderBeyondTheLimit(_ length: Int) throws {
        #expect(try sparse(Self.length(UInt64(length)) + Array("{}".utf8), size: 8 + length, kind) == "header-too-large")
    }

    /// A header of the largest size is read; what is wrong with this one is the U+0000 behind its object.
    @Test func readsAHeaderOfTheLargestSize() throws {
        #expect(try sparse(Self.length(100_000_000) + Array("{}".utf8), size: 100_000_008, kind) == "json-syntax")
        #expect(try sparse(Self.length(100_000_000) + Array("{}".utf8), size: 100_000_007, kind) == "truncated-file")
    }

    /// Sizes beyond 32 bits: a tensor of 5 GiB, and data that is longer or shorter.
    @Test func measuresLargeFiles() throws {
        let size = 5 << 30
        let bytes = safetensors(header: Array(#"{"a":{"dtype":"U8","shape":[\#(size)],"data_offsets":[0,\#(size)]}}"#.utf8))
        #expect(try sparse(bytes, size: bytes.count + size) { try SafetensorsHeader(of: $0).tensors.map(\.byteCount) } == [size])
        #expect(try sparse(bytes, size: bytes.count + size + 1, kind) == "trailing-bytes")
        #expect(try sparse(bytes, size: bytes.count + size - 1, kind) == "truncated-file")
    }

    /// Whatever happens between opening a file and having read its header.
    @Test(arguments: [4, 20, 60, 69, 71, 4096])
    func refusesAFileThatChangesItsSize(_ size: Int) throws {
        let bytes = safetensors(header: Self.good, dataCount: 8)
        #expect(bytes.count == 70)
        try withScratchDirectory { directory in
            let path = directory.appending("x.safetensors")
            try write(bytes, to: path)
            let file = try InputFile(path)
            let writer = try FileDescriptor.open(path, .readWrite)
            try writer.closeAfter { try writer.resize(to: Int64(size)) }
            let error = try checkpointError { _ = try SafetensorsHeader(of: file) }
            #expect(error.kind == "file-changed")
        }
    }

    @Test func boundsTheNumberOfTensors() throws {
        func text(_ count: Int) -> String {
            "{" + (0..<count).map { #""\#($0)":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}"# }.joined(separator: ",")
                + #","__metadata__":{}}"#
        }
        try withScratchDirectory { directory in
            let path = directory.appending("x.safetensors")
            try write(safetensors(header: text(1001), dataCount: 0), to: path)
            let file = try InputFile(path)
            #expect(try SafetensorsHeader(of: file, mostTensors: 1001).tensors.count == 1001)
            #expect(try checkpointError { _ = try SafetensorsHeader(of: file, mostTensors: 1000) }.kind == "too-many-tensors")
        }
    }

    @Test func boundsNames() throws {
        let text = #"{"\#(String(repeating: "x", count: 65_537))":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#
        let error = try checkpointError { _ = try header(safetensors(header: text, dataCount: 0)) }
        #expect(error.kind == "name-too-long")
        #expect(error.description.utf8.count < 600)
    }

    /// So that what describes one tensor cannot become large in memory.
    @Test(arguments: [
        #"{"dtype":"U8",\#(String(repeating: " ", count: 65_536))"shape":[0],"data_offsets":[0,0]}"#,
        "[\(String(repeating: "1,", count: 65_536))1]",
    ])
    func boundsDescriptions(_ description: String) throws {
        let error = try checkpointError { _ = try header(safetensors(header: #"{"a":\#(description)}"#, dataCount: 0)) }
        #expect(error.kind == "description-too-long")
    }

    // MARK: What is taken

    @Test func takesAFileWithoutTensors() throws {
        let header = try header(safetensors(header: "{}", dataCount: 0))
        #expect(header.tensors.isEmpty)
        #expect(header.metadata == nil)
        #expect(header.bytes == Self.length(2) + [0x7B, 0x7D])
    }

    /// The order of the header's members says nothing; the tensors come in the order of their bytes.
    @Test func takesMembersInAnyOrder() throws {
        let text =
            #"{"b":{"data_offsets":[4,6],"shape":[1],"dtype":"BF16"},"__metadata__":{"z":"1","a":"\u00e9"},"a":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]}}"#
        let header = try header(safetensors(header: text, dataCount: 6))
        let start = 8 + text.utf8.count
        #expect(header.tensors.map(\.name) == ["a", "b"])
        #expect(header.tensors.map(\.dtype) == [.f32, .bf16])
        #expect(header.tensors.map(\.shape) == [[1, 1], [1]])
        #expect(header.tensors.map(\.offset) == [start, start + 4])
        #expect(header.tensors.map(\.byteCount) == [4, 2])
        #expect(header.metadata?.map(\.name) == ["z", "a"])
        #expect(header.metadata?.map(\.value) == ["1", "é"])
    }

    @Test func takesZeroSizeTensorsAndRankZero() throws {
        let tensors = [TensorBytes("scalar", []), TensorBytes("none", [3, 0, 2]), TensorBytes("pair", [2]), TensorBytes("end", [0])]
        let header = try header(safetensors(tensors))
        #expect(
            Dictionary(uniqueKeysWithValues: header.tensors.map { ($0.name, $0.shape) }) == [
                "scalar": [], "none": [3, 0, 2], "pair": [2], "end": [0],
            ])
        #expect(
            Dictionary(uniqueKeysWithValues: header.tensors.map { ($0.name, $0.byteCount) }) == [
                "scalar": 4, "none": 0, "pair": 8, "end": 0,
            ])
        #expect(
            Dictionary(uniqueKeysWithValues: header.tensors.map { ($0.name, $0.elementCount) }) == [
                "scalar": 1, "none": 0, "pair": 2, "end": 0,
            ])
    }

    @Test func takesUnalignedData() throws {
        let header = try header(
            safetensors([
                TensorBytes("a", "U8", [3], bytes: [1, 2, 3]), TensorBytes("b", [1]),
                TensorBytes("c", "F64", [1], bytes: [UInt8](repeating: 7, count: 8)),
            ]))
        #expect(header.tensors.map(\.byteCount) == [3, 4, 8])
        #expect(header.tensors[1].offset - header.tensors[0].offset == 3)
    }

    @Test func takesEveryDType() throws {
        let header = try header(
            safetensors(
                DType.allCases.map { TensorBytes($0.rawValue, $0.rawValue, [2, 4], bytes: [UInt8](repeating: 1, count: $0.bitWidth)) }))
        #expect(header.tensors.map(\.dtype) == DType.allCases)
        #expect(header.tensors.map(\.name) == DType.allCases.map(\.rawValue))
        #expect(header.tensors.map(\.byteCount) == DType.allCases.map(\.bitWidth))
    }

    @Test func takesAnyName() throws {
        let names = ["", " ", "\0", "a/b", "..", "é", "e\u{301}", "\u{1B}[2J", "😀", "\"\\", String(repeating: "x", count: 65_536)]
        let header = try header(safetensors(names.map { TensorBytes($0, [1]) }))
        #expect(header.tensors.map { Array($0.name.utf8) } == names.map { Array($0.utf8) })
    }
}
