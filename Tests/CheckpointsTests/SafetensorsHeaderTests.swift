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

    /// The kind of the error; every one is malformed input and says which file it is about.
    private func kind(_ bytes: [UInt8]) throws -> String {
        let error = try checkpointError { _ = try header(bytes) }
        #expect(error.fault == .malformedInput)
        #expect(error.description.contains("x.safetensors: "))
        return error.kind
    }

    private func kind(_ header: String, _ dataCount: Int = 0) throws -> String {
        try kind(safetensors(header: header, dataCount: dataCount))
    }

    private static func length(_ value: UInt64) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) } }

    /// A header of one tensor with the given members.
    private static func one(_ members: String) -> String { "{\"a\":{\(members)}}" }

    private static let good = #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#

    // MARK: The length

    @Test(arguments: [0, 1, 7])
    func refusesAFileWithoutALength(_ count: Int) throws {
        #expect(try kind([UInt8](repeating: 2, count: count)) == "truncated-file")
    }

    @Test(
        arguments: [
            (3, "truncated-file"), (100_000_000, "truncated-file"), (100_000_001, "header-too-large"), (1 << 32, "header-too-large"),
            (1 << 63, "header-too-large"), (.max, "header-too-large"), (.max - 7, "header-too-large"),
        ] as [(UInt64, String)])
    func refusesALengthBeyondTheFile(_ length: UInt64, _ expected: String) throws {
        #expect(try kind(Self.length(length) + [0x7B, 0x7D]) == expected)
    }

    @Test(arguments: [0, 1, 100])
    func refusesAnEmptyHeader(_ dataCount: Int) throws {
        #expect(try kind("", dataCount) == "empty-header")
    }

    @Test func recognisesAGitLFSPointer() throws {
        let text = """
            version https://git-lfs.github.com/spec/v1
            oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393
            size 12345

            """
        let error = try checkpointError { _ = try header(Array(text.utf8)) }
        #expect(error.kind == "lfs-pointer")
        #expect(error.description.contains("git lfs pull"))
    }

    // MARK: JSON

    /// A byte order mark, an overlong NUL, half a character, a byte of no character, a surrogate.
    @Test(arguments: [[0xEF, 0xBB, 0xBF], [0xC0, 0x80], [0xC3], [0xFF], [0xED, 0xA0, 0x80]] as [[UInt8]])
    func refusesWhatIsNotUTF8(_ bytes: [UInt8]) throws {
        #expect(try kind(safetensors(header: bytes + Array(Self.good.utf8), data: [UInt8](repeating: 0, count: 8))) == "json-syntax")
        let named = Array(#"{""#.utf8) + bytes + Array(Self.good.utf8.dropFirst(3))
        if bytes != [0xEF, 0xBB, 0xBF] {
            #expect(try kind(safetensors(header: named, data: [UInt8](repeating: 0, count: 8))) == "json-syntax")
        }
    }

    @Test(arguments: [
        #"{"\ud800":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#, #"{"a\u0000":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#,
        "{}{}", "{}{", "{} x", "{}\0", "{}\0\0\0",
        #"{"__metadata__":{},}"#, "{}//", "/**/{}", "{'__metadata__':{}}", "{__metadata__:{}}", "{", #"{"a""#, "\u{A0}{}",
    ])
    func refusesWhatIsNotJSON(_ text: String) throws {
        #expect(try kind(text) == "json-syntax")
    }

    @Test(arguments: ["{\"a\u{1}\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", #"{"__metadata__":{"a":"\ud800"}}"#])
    func refusesStringsThatAreNotJSON(_ text: String) throws {
        #expect(try kind(text) == "json-syntax")
    }

    @Test(arguments: ["[]", "null", "1", #""a""#, "true"])
    func refusesWhatIsNoObject(_ text: String) throws {
        #expect(try kind(text) == "not-an-object")
    }

    @Test(arguments: [3, 125, 30_000])
    func refusesDeepNesting(_ depth: Int) throws {
        let text = Self.one(#""shape":"# + String(repeating: "[", count: depth) + String(repeating: "]", count: depth))
        #expect(try kind(text) == "json-syntax")
    }

    // MARK: Layout

    @Test(arguments: [
        ("{}", 1, "trailing-bytes"), (good, 9, "trailing-bytes"), (good, 7, "truncated-file"), (good, 0, "truncated-file"),
        (#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}"#, 8, "offset-gap"),
        (#"{"a":{"dtype":"U8","shape":[0],"data_offsets":[4,4]}}"#, 4, "offset-gap"),
        (#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[2],"data_offsets":[5,7]}}"#, 7, "offset-gap"),
        (
            #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#, 4,
            "offset-overlap"
        ),
        (
            #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[3,7]}}"#, 7,
            "offset-overlap"
        ),
        (
            #"{"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}"#, 8,
            "offset-overlap"
        ),
        (
            #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[0],"data_offsets":[2,2]}}"#, 4,
            "offset-overlap"
        ),
        (#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[4,0]}}"#, 4, "offsets"),
        (#"{"a":{"dtype":"U8","shape":[0],"data_offsets":[9223372036854775800,9223372036854775800]}}"#, 0, "offsets"),
    ])
    func refusesTensorsThatDoNotTileTheFile(_ text: String, _ dataCount: Int, _ expected: String) throws {
        #expect(try kind(text, dataCount) == expected)
    }

    @Test(arguments: [
        ("[1]", "size-mismatch"), ("[3]", "size-mismatch"), ("[2,2]", "size-mismatch"), ("[]", "size-mismatch"), ("[0]", "size-mismatch"),
        ("[4294967296,4294967296]", "size-overflow"), ("[9223372036854775806]", "size-overflow"),
        ("[2305843009213693952]", "size-overflow"),
        ("[0,4294967296,4294967296]", "size-overflow"), ("[4294967296,4294967296,0]", "size-overflow"),
        ("[4294967296,0,4294967296]", "size-overflow"),
        ("[-2]", "not-a-natural"), ("[2.0]", "not-a-natural"), ("[2e0]", "not-a-natural"), (#"["2"]"#, "not-a-natural"),
        ("[null]", "not-a-natural"),
        ("[true]", "not-a-natural"), ("[NaN]", "json-syntax"), ("[2.5]", "not-a-natural"), ("[9223372036854775808]", "json-syntax"),
        ("[18446744073709551616]", "json-syntax"), ("[18446744073709551618]", "json-syntax"), ("[-02]", "json-syntax"),
        ("[02]", "json-syntax"),
        ("[+2]", "json-syntax"), ("[0x2]", "json-syntax"), ("null", "missing-field"), ("2", "missing-field"), (#""2""#, "missing-field"),
        ("{}", "missing-field"),
    ])
    func refusesShapes(_ shape: String, _ expected: String) throws {
        #expect(try kind(Self.one(#""dtype":"F32","shape":\#(shape),"data_offsets":[0,8]"#), 8) == expected)
    }

    @Test func refusesANegativeZero() throws {
        #expect(try kind(Self.one(#""dtype":"F32","shape":[-0],"data_offsets":[0,0]"#)) == "json-syntax")
    }

    @Test(arguments: [
        ("[]", "offsets"), ("[0]", "offsets"), ("[0,4,8]", "offsets"), ("[-8,0]", "not-a-natural"), ("[0,-8]", "not-a-natural"),
        ("[0,8.0]", "not-a-natural"),
        ("[null,8]", "not-a-natural"), ("null", "missing-field"), (#"{"0":0}"#, "missing-field"),
    ])
    func refusesOffsets(_ offsets: String, _ expected: String) throws {
        #expect(try kind(Self.one(#""dtype":"F32","shape":[2],"data_offsets":\#(offsets)"#), 8) == expected)
    }

    @Test(arguments: [#""F99""#, #""f32""#, #""""#, #"" F32""#, "5", "null", #"["F32"]"#])
    func refusesDTypes(_ dtype: String) throws {
        #expect(try kind(Self.one(#""dtype":\#(dtype),"shape":[2],"data_offsets":[0,8]"#), 8) == "dtype")
    }

    @Test(arguments: [("F4", 1), ("F4", 3), ("F6_E2M3", 1), ("F6_E3M2", 2), ("F6_E2M3", 5)])
    func refusesElementsThatEndInsideAByte(_ dtype: String, _ count: Int) throws {
        #expect(try kind(Self.one(#""dtype":"\#(dtype)","shape":[\#(count)],"data_offsets":[0,\#(count)]"#), count) == "partial-byte")
    }

    @Test(arguments: [
        (#"{"a":{"shape":[2],"data_offsets":[0,8]}}"#, "dtype"), (#"{"a":{"dtype":"F32","data_offsets":[0,8]}}"#, "missing-field"),
        (#"{"a":{"dtype":"F32","shape":[2]}}"#, "missing-field"), (#"{"a":{}}"#, "dtype"), (#"{"a":null}"#, "not-an-object"),
        (#"{"a":1}"#, "not-an-object"),
        (#"{"a":["F32",[2],[0,8]]}"#, "not-an-object"),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"crc":1}}"#, "unknown-field"),
    ])
    func refusesDescriptions(_ text: String, _ expected: String) throws {
        #expect(try kind(text, 8) == expected)
    }

    @Test func refusesMoreThan64Dimensions() throws {
        func text(_ rank: Int) -> String {
            Self.one(#""dtype":"U8","shape":["# + repeatElement("1", count: rank).joined(separator: ",") + #"],"data_offsets":[0,1]"#)
        }
        #expect(try kind(text(65), 1) == "rank")
        #expect(try header(safetensors(header: text(64), dataCount: 1)).tensors.map(\.shape.count) == [64])
    }

    @Test func boundsTheNumberOfTensors() throws {
        var text: [UInt8] = []
        for index in 0...1 << 20 {
            text += text.isEmpty ? "{\"".utf8 : ",\"".utf8
            // Names of five characters out of the 32 from ; to Z.
            for digit in 0..<5 { text.append(0x3B + UInt8(index >> (5 * digit) & 31)) }
            text += "\":0".utf8
        }
        #expect(try kind(safetensors(header: text + [0x7D])) == "too-many-tensors")
    }

    // MARK: Names

    @Test(arguments: [
        #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#,
        #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"a":{"dtype":"I8","shape":[4],"data_offsets":[0,4]}}"#,
        #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"\u0061":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#,
        #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"a":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}"#,
        #"{"a":{"dtype":"U8","shape":[4],"shape":[4],"data_offsets":[0,4]}}"#,
        #"{"a":{"dtype":"F32","dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#,
        #"{"__metadata__":{},"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"__metadata__":{}}"#,
        #"{"__metadata__":{"k":"1","k":"1"},"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#,
    ])
    func refusesRepeatedNames(_ text: String) throws {
        #expect(try kind(text, 4) == "duplicate-name")
    }

    @Test(arguments: ["null", "1", #""pt""#, "[]", #"{"a":1}"#, #"{"a":{}}"#, #"{"a":null}"#, #"{"a":"1","b":false}"#])
    func refusesMetadata(_ metadata: String) throws {
        #expect(try kind(#"{"__metadata__":\#(metadata)}"#) == "metadata")
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

    @Test(arguments: ["", " ", "       ", "\n\t\r "])
    func takesSpacesAroundTheHeader(_ space: String) throws {
        for text in [Self.good + space, space + Self.good] {
            let header = try header(safetensors(header: text, dataCount: 8))
            #expect(header.tensors.map(\.offset) == [8 + text.utf8.count])
            #expect(Array(header.bytes.dropFirst(8)) == Array(text.utf8))
        }
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
        let names = ["", " ", "a/b", "..", "é", "e\u{301}", "\u{1B}[2J", "😀", "\"\\", String(repeating: "x", count: 65_536)]
        let header = try header(safetensors(names.map { TensorBytes($0, [1]) }))
        #expect(header.tensors.map { Array($0.name.utf8) } == names.map { Array($0.utf8) })
    }
}
