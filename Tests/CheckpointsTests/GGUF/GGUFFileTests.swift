import Checkpoints
import Storage
import SystemPackage
import TestSupport
import Testing

@Suite struct GGUFFileTests {
    private func kind(fault: Fault = .malformedInput, _ change: (inout GGUFBytes) -> Void) throws -> String {
        var file = GGUFBytes()
        file.set("k", GGUFBytes.u32(1))
        file.add("a", [4])
        file.add("b", [2, 2])
        change(&file)
        let error = try file.error { _ = try GGUFFile($0) }
        #expect(error.fault == fault)
        return error.kind
    }

    // MARK: The head

    @Test(arguments: [[], [0x47], Array("GGML".utf8), Array("GGUf".utf8)] as [[UInt8]])
    func refusesWhatIsNoGGUF(_ magic: [UInt8]) throws {
        #expect(
            try kind {
                $0.magic = magic; if magic.count < 4 { $0.end = magic.count }
            } == "gguf-magic")
    }

    @Test(arguments: [0, 1, 4, 99] as [UInt32])
    func refusesOtherVersions(_ version: UInt32) throws {
        #expect(try kind(fault: .unsupported) { $0.version = version } == "gguf-version")
    }

    @Test(arguments: [2, 3] as [UInt32])
    func refusesBigEndianByName(_ version: UInt32) throws {
        #expect(try kind(fault: .unsupported) { $0.version = version.byteSwapped } == "gguf-big-endian")
    }

    @Test func refusesEveryCut() throws {
        var file = GGUFBytes()
        file.set("k", GGUFBytes.strings(["a", "bc"]))
        file.set("n", GGUFBytes.u64(7))
        file.add("a", [4])
        let whole = file.bytes.count
        for end in 4..<whole {
            file.end = end
            #expect(try file.error { _ = try GGUFFile($0) }.kind == "gguf-truncated")
        }
    }

    // MARK: Counts that are only claimed

    @Test(arguments: [3, 1 << 20, 1 << 61, .max] as [UInt64])
    func refusesMoreTensorsThanFit(_ count: UInt64) throws {
        #expect(
            try kind {
                $0.tensorCount = count; $0.tensors = []; $0.pairs = []
            } == "gguf-truncated")
    }

    @Test(arguments: [100, 1 << 20, 1 << 61, .max] as [UInt64])
    func refusesMoreKeysThanFit(_ count: UInt64) throws {
        #expect(try kind { $0.keyCount = count } == "gguf-truncated")
    }

    @Test(arguments: [1 << 16, 1 << 40, 1 << 63, .max] as [UInt64])
    func refusesStringsBeyondTheFile(_ length: UInt64) throws {
        #expect(try kind { $0.set("s", GGUFBytes.word(UInt32(8)) + GGUFBytes.word(length)) } == "gguf-truncated")
    }

    @Test(arguments: [(0, 1 << 40), (4, 1 << 20), (8, 1 << 60), (9, 1 << 30), (12, Int.max)] as [(UInt32, Int)])
    func refusesArraysBeyondTheFile(_ type: UInt32, _ count: Int) throws {
        #expect(try kind { $0.set("s", GGUFBytes.array(type, count: count, [])) } == "gguf-truncated")
    }

    @Test func boundsTheElementsOfAllArrays() throws {
        let many = GGUFBytes.array(0, count: 1 << 24, [UInt8](repeating: 0, count: 1 << 24))
        #expect(
            try kind { file in
                file.set("1", GGUFBytes.array(0, count: 1, [0]))
                file.set("2", many)
            } == "gguf-too-large")
    }

    @Test func boundsStrings() throws {
        let text = GGUFBytes.text([UInt8](repeating: 0x61, count: 1 << 24 + 1))
        #expect(try kind { $0.set("s", GGUFBytes.word(UInt32(8)) + text) } == "gguf-too-large")
    }

    @Test func boundsTheNumberOfKeys() throws {
        #expect(
            try kind { file in
                file.pairs = (0...65_536).map { (Array("k\($0)".utf8), GGUFBytes.boolean(1)) }
            } == "gguf-too-large")
    }

    // MARK: Values

    @Test(arguments: [13, 255, .max] as [UInt32])
    func refusesUnknownValueTypes(_ type: UInt32) throws {
        #expect(try kind { $0.set("s", GGUFBytes.word(type) + [0, 0, 0, 0]) } == "gguf-value-type")
        #expect(try kind { $0.set("s", GGUFBytes.array(type, count: 1, [0])) } == "gguf-value-type")
    }

    @Test func refusesBooleansThatAreNeither() throws {
        #expect(try kind { $0.set("s", GGUFBytes.boolean(2)) } == "gguf-boolean")
    }

    @Test func refusesIntegersBeyondInt() throws {
        #expect(try kind { $0.set("s", GGUFBytes.u64(1 << 63)) } == "gguf-value")
    }

    @Test func refusesWhatIsNotUTF8() throws {
        #expect(try kind { $0.pairs.append(([0xFF], GGUFBytes.u32(1))) } == "gguf-utf8")
        #expect(try kind { $0.set("s", GGUFBytes.word(UInt32(8)) + GGUFBytes.text([0xC0, 0x80])) } == "gguf-utf8")
    }

    @Test func refusesDeepNesting() throws {
        func nested(_ depth: Int) -> [UInt8] {
            var value = GGUFBytes.array(4, count: 1, GGUFBytes.word(UInt32(5)))
            for _ in 1..<depth { value = GGUFBytes.array(9, count: 1, Array(value.dropFirst(4))) }
            return value
        }
        #expect(try kind { $0.set("s", nested(5)) } == "gguf-nesting")
        #expect(try kind { $0.set("s", nested(10_000)) } == "gguf-nesting")
        var file = GGUFBytes()
        file.set("s", nested(4))
        #expect(try file.with { try GGUFFile($0).metadata["s"] } == .arrays([.arrays([.arrays([.integers([5])])])]))
    }

    @Test func refusesRepeatedKeys() throws {
        #expect(try kind { $0.pairs.append((Array("k".utf8), GGUFBytes.u32(1))) } == "gguf-duplicate-key")
    }

    @Test func readsEveryTypeOfValue() throws {
        var file = GGUFBytes()
        let values: [(String, UInt32, [UInt8], GGUFValue)] = [
            ("u8", 0, [200], .integer(200)), ("i8", 1, [200], .integer(-56)), ("u16", 2, [1, 2], .integer(513)),
            ("i16", 3, [0xFE, 0xFF], .integer(-2)), ("u32", 4, [255, 255, 255, 255], .integer(4_294_967_295)),
            ("i32", 5, [255, 255, 255, 255], .integer(-1)), ("f32", 6, GGUFBytes.word(Float(0.1).bitPattern), .number(Double(Float(0.1)))),
            ("bool", 7, [1], .boolean(true)), ("string", 8, GGUFBytes.text(Array("é".utf8)), .string("é")),
            ("u64", 10, GGUFBytes.word(UInt64(1) << 40), .integer(1 << 40)), ("i64", 11, GGUFBytes.word(Int64.min), .integer(.min)),
            ("f64", 12, GGUFBytes.word((0.1).bitPattern), .number(0.1)),
        ]
        for (key, type, bytes, _) in values {
            file.set(key, GGUFBytes.word(type) + bytes)
            file.set(key + "s", GGUFBytes.array(type, count: 2, bytes + bytes))
        }
        file.set("none", GGUFBytes.array(8, count: 0, []))
        try file.with { input in
            let metadata = try GGUFFile(input).metadata
            for (key, _, _, value) in values { #expect(metadata[key] == value) }
            #expect(metadata["i16s"] == .integers([-2, -2]) && metadata["f64s"] == .numbers([0.1, 0.1]))
            #expect(metadata["bools"] == .booleans([true, true]) && metadata["strings"] == .strings(["é", "é"]))
            #expect(metadata["none"] == .strings([]) && metadata["absent"] == nil)
            #expect(metadata.keys.count == 25)
        }
    }

    // MARK: Tensors

    @Test(arguments: [0, 3, 33, 1 << 31] as [UInt32])
    func refusesAlignments(_ alignment: UInt32) throws {
        #expect(try kind { $0.set("general.alignment", GGUFBytes.u32(alignment)) } == "gguf-alignment")
    }

    @Test func refusesAnAlignmentThatIsNoInteger() throws {
        #expect(try kind { $0.set("general.alignment", GGUFBytes.string("32")) } == "gguf-key")
    }

    @Test(arguments: [0, 5, 1000] as [Int])
    func refusesRanks(_ rank: Int) throws {
        #expect(try kind { $0.tensors[0].dimensions = [UInt64](repeating: 1, count: rank) } == "gguf-rank")
    }

    @Test(arguments: [[1 << 62, 4], [.max], [1 << 61], [1 << 32, 1 << 32], [0, 1 << 32, 1 << 32]] as [[UInt64]])
    func refusesSizesBeyondAnyFile(_ dimensions: [UInt64]) throws {
        #expect(try kind { $0.tensors[0].dimensions = dimensions } == "gguf-size-overflow")
    }

    @Test(arguments: [[5], [1 << 40], [1 << 60], [100, 100]] as [[UInt64]])
    func refusesTensorsBeyondTheFile(_ dimensions: [UInt64]) throws {
        #expect(
            try kind {
                $0.tensors.removeFirst(); $0.tensors[0].dimensions = dimensions
            } == "gguf-truncated")
    }

    @Test(arguments: [64, 1 << 40, 1 << 62, .max - 31] as [UInt64])
    func refusesOffsetsBeyondTheFile(_ offset: UInt64) throws {
        #expect(
            try kind {
                $0.tensors[1].offset = offset; $0.tensors[1].data = []
            } == "gguf-truncated")
    }

    @Test(arguments: [1, 4, 33] as [UInt64])
    func refusesUnalignedOffsets(_ offset: UInt64) throws {
        #expect(try kind { $0.tensors[1].offset = offset } == "gguf-offset")
    }

    @Test func refusesOverlaps() throws {
        #expect(try kind { $0.tensors[1].offset = 0 } == "gguf-overlap")
        #expect(try kind { $0.tensors[0] = .init("a", [9], offset: 0) } == "gguf-overlap")
    }

    @Test func refusesRepeatedNames() throws {
        #expect(try kind { $0.tensors[1].name = "a" } == "gguf-duplicate-tensor")
    }

    @Test(
        arguments: [(4, "Q4_2"), (9, "Q8_1"), (10, "Q2_K"), (16, "IQ2_XXS"), (24, "I8"), (39, "MXFP4"), (77, "number 77")]
            as [(UInt32, String)])
    func refusesOtherTypesByName(_ type: UInt32, _ name: String) throws {
        var file = GGUFBytes()
        file.add("some", [256])
        file.tensors[0].type = type
        let error = try file.error { _ = try GGUFFile($0) }
        #expect(error.kind == "gguf-tensor-type" && error.fault == .unsupported)
        #expect(error.description.contains("\"some\" is stored as \(name),"))
    }

    @Test(arguments: [(2, 16), (8, 33), (12, 32), (14, 255)] as [(UInt32, UInt64)])
    func refusesRowsThatAreNotWholeBlocks(_ type: UInt32, _ row: UInt64) throws {
        #expect(
            try kind {
                $0.tensors[0].type = type; $0.tensors[0].dimensions = [row, 32]
            } == "gguf-row-size")
    }

    @Test func readsTensors() throws {
        var file = GGUFBytes()
        file.version = 2
        file.alignment = 64
        file.set("general.alignment", GGUFBytes.u32(64))
        file.add("b", [3, 2])
        file.add("a", [5])
        file.add("none", [4, 0])
        file.tensors[0].data = [1, 2, 3, 4, 5, 6].flatMap { GGUFBytes.word(Float($0).bitPattern) }
        try file.with { input in
            let read = try GGUFFile(input)
            #expect(read.tensors.map(\.name) == ["b", "a", "none"])
            #expect(read.tensors.map(\.shape) == [[2, 3], [5], [0, 4]])
            #expect(read.tensors.map(\.byteCount) == [24, 20, 0])
            #expect(read.tensors[0].offset % 64 == 0 && read.tensors[1].offset == read.tensors[0].offset + 64)
            var values = [Float](repeating: 0, count: 3)
            var span = values.mutableSpan
            try read.read(#require(read.tensor(named: "b")), from: 2, into: &span)
            #expect(values == [3, 4, 5])
            #expect(read.tensor(named: "c") == nil)
        }
    }
}
