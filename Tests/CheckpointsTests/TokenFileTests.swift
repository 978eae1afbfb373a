import Checkpoints
import Storage
import SystemPackage
import TestSupport
import Testing

struct TokenFileTests {
    private static let fixtures = Fixture.directory.appending("token-files")
    private let rows: [TextRecord] = [.tokens([5, 6, 7, 8]), .tokens([9, 10, 11, 12]), .tokens([60, 59, 58, 57])]

    private func read(_ bytes: [UInt8], _ name: String, limit: Int = 1 << 20) throws -> [TextRecord] {
        try withScratchDirectory { directory in
            try write(bytes, to: directory.appending(name))
            return try TokenFile.records(directory.appending(name), limit: limit)
        }
    }

    private func kind(_ bytes: [UInt8], _ name: String = "ids.npy", limit: Int = 1 << 20) throws -> String {
        let error = try checkpointError { _ = try read(bytes, name, limit: limit) }
        #expect(error.description.contains(name))
        return error.kind
    }

    // MARK: What NumPy and safetensors write

    @Test(arguments: ["i4", "i8", "u2", "u4", "u8", "u1", "i1", "i2"])
    func aRowIsARecord(_ type: String) throws {
        #expect(try TokenFile.records(Self.fixtures.appending("rows-\(type).npy")) == rows)
    }

    @Test(arguments: [1, 2, 3])
    func oneDimensionIsOneRecord(_ version: Int) throws {
        #expect(try TokenFile.records(Self.fixtures.appending("version-\(version).npy")) == [rows[0]])
    }

    /// By their names, not by their places: `b` is stored first.
    @Test(arguments: ["", ".gz", ".zst"])
    func tensorsComeInTheOrderOfTheirNames(_ ending: String) throws {
        #expect(try TokenFile.records(Self.fixtures.appending("named.safetensors" + ending)) == rows)
        #expect(try TokenFile.records(Self.fixtures.appending("rows-i4.npy" + ending)) == rows)
    }

    @Test(arguments: [
        ("float", "unsupported-dtype", Fault.unsupported), ("big-endian", "unsupported-dtype", .unsupported),
        ("object", "unsupported-dtype", .unsupported), ("fields", "unsupported-dtype", .unsupported),
        ("fortran", "fortran-order", .unsupported), ("scalar", "rank", .malformedInput),
    ])
    func refusesOtherArrays(_ name: String, _ kind: String, _ fault: Fault) throws {
        let error = try checkpointError { _ = try TokenFile.records(Self.fixtures.appending(name + ".npy")) }
        #expect(error.kind == kind && error.fault == fault)
    }

    @Test func namesTheTypeThatItRefuses() throws {
        let error = try checkpointError { _ = try TokenFile.records(Self.fixtures.appending("big-endian.npy")) }
        #expect(error.description.contains("\">i4\""))
    }

    // MARK: Hostile files

    private func npy(_ header: String, _ data: [UInt8] = [], version: [UInt8] = [1, 0]) -> [UInt8] {
        [0x93] + Array("NUMPY".utf8) + version + [UInt8(header.utf8.count & 0xFF), UInt8(header.utf8.count >> 8)] + Array(header.utf8)
            + data
    }

    private func npy(_ type: String, _ shape: String, _ data: [UInt8]) -> [UInt8] {
        npy("{'descr': '\(type)', 'fortran_order': False, 'shape': \(shape), }\n", data)
    }

    @Test func takesTheLiteralInOtherSpellings() throws {
        #expect(try read(npy(#"{"shape":(2,1),"descr":"|u1","fortran_order":False}"#, [3, 4]), "a.NPY") == [.tokens([3]), .tokens([4])])
        #expect(try read(npy("|u1", "( 2 , 1 , )", [3, 4]), "a.npy").count == 2)
    }

    @Test(arguments: [
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1,)", "'descr': '|u1', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '|u1', 'fortran_order': False}", "{'descr': '|u1', 'fortran_order': False, 'shape': (1,), 'more': True}",
        "{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (1,)}", "{'descr': '|u1' 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '|u1', 'fortran_order': 0, 'shape': (1,)}", "{'descr': '|u1', 'fortran_order': None, 'shape': (1,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': 1}", "{'descr': '|u1', 'fortran_order': False, 'shape': (1)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1L,)}", "{'descr': '|u1', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1,,)}", "{'descr': '|u1', 'fortran_order': False, 'shape': (1,",
        "{'descr': '|u1",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999,)}", "  ",
        "{'descr': '\\x7cu1', 'fortran_order': False, 'shape': (1,)}", "{'descr': True, 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1,)} or exit()",
        "{'descr': '|u1', 'fortran_order': __import__('os'), 'shape': (1,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': ((((((1,),),),),),)}",
    ])
    func evaluatesNothing(_ header: String) throws {
        #expect(try kind(npy(header, [3])) == "npy-header")
    }

    @Test func refusesWhatIsNotNumPys() throws {
        #expect(try kind([]) == "not-npy")
        #expect(try kind(Array("PK\u{3}\u{4}".utf8) + [UInt8](repeating: 0, count: 100)) == "not-npy")
        #expect(try kind(npy("{}", version: [4, 0])) == "npy-version")
        #expect(try kind(npy("{}", version: [1, 1])) == "npy-version")
        #expect(try kind(Array(npy("|u1", "(1,)", [3]).prefix(40))) == "truncated-file")
        // A length of 4 GiB.
        #expect(try kind([0x93] + Array("NUMPY".utf8) + [2, 0, 255, 255, 255, 255]) == "header-too-large")
        #expect(try kind([0x93] + Array("NUMPY".utf8) + [3, 0, 0, 0]) == "not-npy")
    }

    @Test func wantsExactlyTheBytesOfTheArray() throws {
        #expect(try kind(npy("<i4", "(2,)", [1, 0, 0, 0])) == "size-mismatch")
        #expect(try kind(npy("<i4", "(1,)", [1, 0, 0, 0, 0])) == "size-mismatch")
        #expect(try kind(npy("<i8", "(4611686018427387904, 4611686018427387904)", [])) == "size-overflow")
        #expect(try kind(npy("|u1", "(2,)", [1, 2]), limit: 20) == "file-too-large")
    }

    @Test func refusesOtherShapes() throws {
        #expect(try kind(npy("|u1", "()", [1])) == "rank")
        #expect(try kind(npy("|u1", "(1, 1, 1)", [1])) == "rank")
        #expect(try kind(npy("|u1", "(" + String(repeating: "1,", count: 65) + ")", [1])) == "rank")
        #expect(try kind(npy("|u1", "(0,)", [])) == "empty-record")
        #expect(try kind(npy("|u1", "(16777216, 0)", [])) == "empty-record")
        #expect(try kind(npy("|u1", "(9223372036854775807, 0)", [])) == "too-many-records")
        #expect(try kind(npy("|u1", "(0, 4)", [])) == "no-records")
    }

    @Test(
        arguments: [
            ("|i1", [0xFF], "-1"), ("<i2", [0x9C, 0xFF], "-100"), ("<i4", [0, 0, 0, 0x80], "-2147483648"),
            ("<u4", [0, 0, 0, 0x80], "2147483648"),
            ("<i8", [0, 0, 0, 0, 1, 0, 0, 0], "4294967296"), ("<i8", [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], "-1"),
            ("<u8", [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], "18446744073709551615"),
        ] as [(String, [UInt8], String)])
    func refusesWhatIsNoTokenID(_ type: String, _ bytes: [UInt8], _ text: String) throws {
        let zeros = [UInt8](repeating: 0, count: 3 * bytes.count)
        let error = try checkpointError { _ = try read(npy(type, "(2, 2)", zeros + bytes), "a.npy") }
        #expect(error.kind == "not-a-token-id" && error.fault == .malformedInput)
        #expect(error.description.contains("record 2 has \(text) as its token 2"))
    }

    @Test func refusesOtherTensors() throws {
        func file(_ dtype: String, _ shape: [Int], _ bytes: [UInt8]) -> [UInt8] {
            safetensors([TensorBytes("a", "U8", [1], bytes: [7]), TensorBytes("t\u{7}", dtype, shape, bytes: bytes)])
        }
        for (bytes, expected) in [
            (file("F32", [1], [0, 0, 0, 0]), "unsupported-dtype"), (file("BOOL", [1], [1]), "unsupported-dtype"),
            (file("I8", [1], [0xFF]), "not-a-token-id"), (file("U8", [], [1]), "rank"), (file("U8", [0], []), "empty-record"),
            (safetensors([]), "no-records"), (Array(file("U8", [1], [1]).dropLast()), "truncated-file"), ([], "truncated-file"),
            (file("U8", [1], [1]) + [0], "trailing-bytes"),
        ] {
            #expect(try kind(bytes, "a.safetensors") == expected)
        }
        let error = try checkpointError { _ = try read(file("I8", [1], [0xFF]), "a.safetensors") }
        #expect(error.description.contains(#"tensor "t\u{7}": record 2 has -1"#))
    }

    @Test func refusesOtherNames() throws {
        #expect(TokenFile.isTokenFile("a.NPY.GZ") && TokenFile.isTokenFile("a.safetensors") && !TokenFile.isTokenFile("a.txt"))
        #expect(!TokenFile.isTokenFile("npy") && !TokenFile.isTokenFile(".npy"))
    }
}
