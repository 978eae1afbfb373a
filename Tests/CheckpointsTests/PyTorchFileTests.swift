import Checkpoints
import Storage
import SystemPackage
import Tensors
import TestSupport
import Testing

/// PyTorch's own files, by make_pytorch_fixtures.py, and archives built by hand.
struct PyTorchFileTests {
    private static let fixtures = Fixture.directory.appending("pytorch")

    private func error(fixture name: String) throws -> CheckpointError {
        try checkpointError { _ = try PyTorchFile(InputFile(Self.fixtures.appending("refused-\(name).pt"))) }
    }

    // MARK: What is taken

    /// Every tensor of the fixture beside its safetensors twin, in the pickle's order.
    private func checkTensors(_ name: String) throws -> PyTorchFile {
        let input = try InputFile(Self.fixtures.appending("\(name).pt"))
        let file = try PyTorchFile(input)
        let expected = try Checkpoint(Self.fixtures.appending("\(name).safetensors"))
        #expect(file.tensors.map(\.name).sorted() == expected.tensors.map(\.name).sorted())
        for tensor in file.tensors {
            let twin = try #require(expected.tensor(named: tensor.name))
            #expect(tensor.dtype == twin.dtype, "\(tensor.name)")
            #expect(tensor.shape == twin.shape, "\(tensor.name)")
            let bytes = try input.bytes(at: tensor.offset, count: tensor.byteCount)
            #expect(try bytes == expected.bytes(tensor.name), "\(tensor.name)")
        }
        return file
    }

    @Test(arguments: ["dtypes", "parameters", "module", "protocol-3", "protocol-4", "beside"])
    func findsTensorsWhereTheyLie(_ name: String) throws {
        #expect(try checkTensors(name).wrapper == nil)
    }

    @Test func keepsTheOrderOfThePickle() throws {
        let names = try checkTensors("module").tensors.map(\.name)
        #expect(
            names == [
                "0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var", "1.num_batches_tracked", "2.weight",
                "2.bias",
            ])
    }

    @Test func findsViewsOfASharedStorage() throws {
        let tensors = try checkTensors("views").tensors
        let places = Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0.offset) })
        #expect(places["head"] == places["embedding"])
        #expect(places["tail"] == places["whole"].map { $0 + 80 })
    }

    @Test(arguments: ["state_dict", "model", "module"])
    func opensAWrappedStateDict(_ wrapper: String) throws {
        #expect(try checkTensors("wrapped-\(wrapper)").wrapper == wrapper)
    }

    // MARK: Files that are refused

    @Test(arguments: [
        ("system", "forbidden-global", "posix.system"), ("eval", "forbidden-global", "__builtin__.eval"),
        ("sparse", "forbidden-global", "torch._utils._rebuild_sparse_tensor"),
        ("legacy", "legacy-pytorch", "torch.save it again"), ("script", "torchscript", "state_dict()"),
        ("plain", "plain-pickle", "plain pickle"),
        ("transposed", "strided-tensor", "\"weight\""), ("expanded", "strided-tensor", ".contiguous()"),
        ("optimizer-beside", "not-plain-data", "\"optimizer\""), ("no-tensors", "no-tensors", "state_dict, model or module"),
        ("list", "not-a-state-dict", "no dictionary"), ("two-wrappers", "ambiguous-state-dict", "model, module"),
        ("number-name", "tensor-name", "no string"), ("conjugated", "forbidden-call", "metadata"),
    ])
    func refuses(_ name: String, _ kind: String, _ words: String) throws {
        let error = try error(fixture: name)
        #expect(error.kind == kind)
        #expect(error.description.contains("refused-\(name).pt: "))
        #expect(error.description.contains(words), "\(error.description)")
        #expect(error.fault == (["legacy-pytorch", "torchscript", "strided-tensor"].contains(kind) ? .unsupported : .malformedInput))
    }

    private func error(_ bytes: [UInt8]) throws -> CheckpointError {
        try withScratchDirectory { directory in
            try write(bytes, to: directory.appending("x.pt"))
            return try checkpointError { _ = try PyTorchFile(InputFile(directory.appending("x.pt"))) }
        }
    }

    @Test func recognisesAGitLFSPointer() throws {
        let error = try error(Array("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n".utf8))
        #expect(error.kind == "lfs-pointer")
        #expect(error.description.contains("git lfs pull"))
    }

    @Test func refusesALegacyTar() throws {
        #expect(
            try error([UInt8](repeating: 0, count: 257) + Array("ustar".utf8) + [UInt8](repeating: 0, count: 800)).kind == "legacy-pytorch")
    }

    @Test(arguments: [[], [0x80], [1, 2, 3]] as [[UInt8]])
    func refusesWhatIsNoZip(_ bytes: [UInt8]) throws {
        #expect(try error(bytes).kind == "malformed-archive")
    }

    // MARK: Records

    private static let weight = PickleBytes.tensor(.storage("0", "FloatStorage", 6), [2, 3], [3, 1])
    private static let stateDict = PickleBytes.dictionary("weight", weight)
    private static let zeros = [UInt8](repeating: 0, count: 24)

    private static func archive(_ pickle: PickleBytes = stateDict, data: [UInt8] = zeros, more: [(name: String, data: [UInt8])] = [])
        -> ZipBytes
    {
        ZipBytes([("x/data.pkl", pickle.bytes), ("x/data/0", data)] + more)
    }

    @Test func takesAnArchiveMadeByHand() throws {
        try withScratchDirectory { directory in
            let zip = Self.archive(more: [("x/version", Array("3\n".utf8)), ("x/byteorder", Array("little".utf8))])
            try write(zip.bytes, to: directory.appending("x.pt"))
            let tensors = try PyTorchFile(InputFile(directory.appending("x.pt"))).tensors
            #expect(tensors.map(\.name) == ["weight"])
            #expect(tensors.map(\.dtype) == [.f32])
            #expect(tensors.map(\.shape) == [[2, 3]])
            #expect(tensors.map(\.offset) == [zip.local[1] + 30 + "x/data/0".utf8.count])
            #expect(tensors.map(\.byteCount) == [24])
        }
    }

    @Test func refusesAZipWithoutAPickle() throws {
        #expect(try error(ZipBytes([("x/data/0", Self.zeros)]).bytes).kind == "missing-record")
        #expect(try error(ZipBytes([]).bytes).kind == "missing-record")
    }

    @Test(arguments: ["y/data.pkl", "xy/data.pkl", "data.pkl"])
    func refusesEntriesBesideTheDirectory(_ name: String) throws {
        #expect(try error(Self.archive(more: [(name, Self.stateDict.bytes)]).bytes).kind == "not-pytorch")
    }

    @Test func refusesCode() throws {
        #expect(try error(Self.archive(more: [("x/code/__torch__.py", [])]).bytes).kind == "torchscript")
    }

    @Test(arguments: ["big", "", "little\n", String(repeating: "little", count: 3)])
    func refusesAnotherByteOrder(_ order: String) throws {
        let error = try error(Self.archive(more: [("x/byteorder", Array(order.utf8))]).bytes)
        #expect(error.kind == (order.utf8.count > 16 ? "record-too-large" : "byte-order"))
    }

    @Test func refusesAMissingStorage() throws {
        #expect(try error(ZipBytes([("x/data.pkl", Self.stateDict.bytes)]).bytes).kind == "missing-record")
    }

    @Test(arguments: [0, 1])
    func refusesCompressedRecords(_ entry: Int) throws {
        var zip = Self.archive()
        zip.set(8, at: zip.local[entry] + 8, width: 2)
        zip.set(8, at: zip.central[entry] + 10, width: 2)
        #expect(try error(zip.bytes).kind == "compressed-record")
    }

    @Test(arguments: [0, 23, 25, 48])
    func refusesAStorageOfAnotherSize(_ size: Int) throws {
        #expect(try error(Self.archive(data: [UInt8](repeating: 0, count: size)).bytes).kind == "size-mismatch")
    }

    // MARK: Tensors

    private func kind(_ value: PickleBytes) throws -> String { try error(Self.archive(.dictionary("weight", value)).bytes).kind }

    private func kind(offset: Int = 0, _ shape: [Int], _ stride: [Int], type: String = "FloatStorage", count: Int = 6) throws -> String {
        try kind(.tensor(.storage("0", type, count), offset: offset, shape, stride))
    }

    @Test(arguments: [([2, 3], [1, 2]), ([2, 3], [3]), ([6], [0]), ([2, 2], [3, 1]), ([6], [-1]), ([], [1]), ([3, 1, 2], [3, 1, 1])])
    func refusesStrides(_ shape: [Int], _ stride: [Int]) throws {
        #expect(try kind(shape, stride) == "strided-tensor")
    }

    @Test(
        arguments: [
            (0, [7], [1]), (1, [6], [1]), (6, [1], [1]), (6, [], []), (7, [0], [1]), (.max, [1], [1]), (.max / 4, [2], [1]),
            (0, [1 << 40], [1]),
        ] as [(Int, [Int], [Int])])
    func refusesTensorsBeyondTheirStorage(_ offset: Int, _ shape: [Int], _ stride: [Int]) throws {
        #expect(try kind(offset: offset, shape, stride) == "outside-storage")
    }

    @Test(arguments: [[.max], [1 << 61], [1 << 32, 1 << 32], [0, 1 << 32, 1 << 32], [1 << 32, 1 << 32, 0]] as [[Int]])
    func refusesShapesLargerThanAnyFile(_ shape: [Int]) throws {
        #expect(try kind(shape, shape) == "size-overflow")
    }

    @Test func refusesNegativeNumbers() throws {
        #expect(try kind([-2, -3], [3, 1]) == "not-a-natural")
        #expect(try kind([.min], [1]) == "not-a-natural")
        #expect(try kind(offset: -1, [2], [1]) == "not-a-natural")
        #expect(try kind([6], [1], count: -6) == "forbidden-call")
    }

    @Test(arguments: [7, .max, 1 << 62])
    func refusesAStorageOfAnotherCount(_ count: Int) throws {
        #expect(try kind([6], [1], count: count) == "size-mismatch")
    }

    @Test func refusesMoreThan64Dimensions() throws {
        #expect(try kind([Int](repeating: 1, count: 65), [Int](repeating: 1, count: 65)) == "rank")
    }

    @Test func refusesOneStorageOfTwoTypes() throws {
        let pickle =
            PickleBytes.protocol2 + .emptyDictionary + .string("a") + Self.weight + .setItem + .string("b")
            + .tensor(.storage("0", "IntStorage", 6), [6], [1]) + .setItem + .stop
        #expect(try error(Self.archive(pickle).bytes).kind == "storage-mismatch")
    }

    @Test func refusesANameThatOccursTwice() throws {
        let entry = PickleBytes.string("a") + Self.weight + .setItem
        #expect(try error(Self.archive(.protocol2 + .emptyDictionary + entry + entry + .stop).bytes).kind == "duplicate-name")
        let wrapper = PickleBytes.string("model") + .emptyDictionary + .setItem
        #expect(try error(Self.archive(.protocol2 + .emptyDictionary + wrapper + wrapper + .stop).bytes).kind == "duplicate-name")
    }

    @Test func refusesDataBesideTensorsThatIsNotPlain() throws {
        for other in [PickleBytes.storage("0", "FloatStorage", 6), .global("collections", "OrderedDict"), .mark + Self.weight + .tuple] {
            let pickle =
                PickleBytes.protocol2 + .emptyDictionary + .string("a") + Self.weight + .setItem + .string("b") + other + .setItem + .stop
            #expect(try error(Self.archive(pickle).bytes).kind == "not-plain-data")
        }
    }

    // MARK: The pickle

    private func pickleKind(_ pickle: PickleBytes) throws -> String { try error(Self.archive(pickle).bytes).kind }

    @Test(arguments: [0, 1, 6, 255])
    func refusesOtherProtocols(_ version: UInt8) throws {
        #expect(try pickleKind(PickleBytes([0x80, version]) + .emptyDictionary + .stop) == "pickle-syntax")
    }

    @Test func refusesEveryTruncation() throws {
        let bytes = Self.stateDict.bytes
        for count in 0..<bytes.count {
            let kind = try pickleKind(PickleBytes(Array(bytes.prefix(count))))
            #expect(["truncated-pickle", "pickle-syntax"].contains(kind), "\(count): \(kind)")
        }
    }

    /// No change of one byte traps, or finds a tensor outside its storage.
    @Test func survivesEveryChangeOfAByte() throws {
        try withScratchDirectory { directory in
            let path = directory.appending("x.pt")
            for position in Self.stateDict.bytes.indices {
                for value in [0, 0x28, 0x52, 0x71, 0x7F, 0x80, 0xFF] as [UInt8] {
                    var bytes = Self.stateDict.bytes
                    bytes[position] = value
                    let zip = Self.archive(PickleBytes(bytes))
                    try write(zip.bytes, to: path)
                    guard let file = try? PyTorchFile(InputFile(path)) else { continue }
                    #expect(file.tensors.allSatisfy { $0.offset + $0.byteCount <= zip.central[0] })
                }
            }
        }
    }

    @Test(
        arguments: [
            (0x30, "POP"), (0x32, "DUP"), (0x49, "INT"), (0x53, "STRING"), (0x69, "INST"), (0x6F, "OBJ"), (0x70, "PUT"), (0x81, "NEWOBJ"),
            (0x82, "EXT1"), (0x84, "EXT4"), (0x8F, "EMPTY_SET"), (0x92, "NEWOBJ_EX"), (0x97, "NEXT_BUFFER"),
            (0x00, "0x0"),
            (0xFF, "0xFF"),
        ] as [(UInt8, String)])
    func refusesOpcodes(_ byte: UInt8, _ name: String) throws {
        let error = try error(Self.archive(.protocol2 + .string("os") + .string("system") + PickleBytes([byte])).bytes)
        #expect(error.kind == "forbidden-opcode")
        #expect(error.description.contains("the opcode \(name),"))
    }

    @Test(arguments: [
        ("os", "system"), ("builtins", "getattr"), ("__builtin__", "eval"), ("torch", "load"), ("torch", "storage.UntypedStorage"),
        ("torch._utils", "_rebuild_qtensor"), ("collections", "OrderedDict.fromkeys"), ("collections", ""), ("", ""), ("a\u{1B}[2J", "b"),
    ])
    func refusesGlobals(_ module: String, _ name: String) throws {
        // Protocol 4 takes the words from the stack.
        let stacked = PickleBytes.protocol2 + .string(module) + .string(name) + PickleBytes([0x93]) + .stop
        #expect(try pickleKind(stacked) == "forbidden-global")
        let error = try error(Self.archive(.protocol2 + .global(module, name) + .stop).bytes)
        #expect(error.kind == "forbidden-global")
        #expect(error.description.contains("\(module.prefix(1) == "a" ? "a\\u{1b}[2J" : module).\(name)"))
    }

    @Test func refusesEndlessGlobals() throws {
        #expect(try pickleKind(.protocol2 + .global(String(repeating: "a", count: 100_000), "b") + .stop) == "pickle-syntax")
    }

    @Test(
        arguments: [
            .emptyDictionary + .emptyTuple + .reduce, .string("os") + .emptyTuple + .reduce,
            .global("collections", "OrderedDict") + .string("a") + .reduce,
            .global("collections", "OrderedDict") + .integers([1]) + .reduce,
            .global("torch", "FloatStorage") + .emptyTuple + .reduce, .global("torch", "float32") + .emptyTuple + .reduce,
            .global("torch", "Size") + .emptyTuple + .reduce, .global("torch", "Size") + .integers([1]) + .reduce,
            .global("torch", "device") + .emptyTuple + .reduce,
            .global("torch._utils", "_rebuild_parameter") + .integers([1, 2, 3]) + .reduce,
            .global("torch._utils", "_rebuild_tensor_v2") + .emptyTuple + .reduce,
            .global("torch._utils", "_rebuild_tensor_v3") + .integers([1, 2, 3, 4, 5, 6, 7]) + .reduce,
            .tensor(.storage("0", "float32", 6), [6], [1]), .tensor(.integers([1]), [6], [1]),
            .tensor(.storage("0", "FloatStorage", 6), [6], [1], hooks: .string("hook")),
            .tensor(.storage("0", "FloatStorage", 6), [6], [1], metadata: .emptyDictionary + .string("conj") + .newFalse + .setItem),
            .string("0") + PickleBytes("Q"), .integers([1, 2, 3, 4, 5]) + PickleBytes("Q"),
        ] as [PickleBytes])
    func refusesCalls(_ call: PickleBytes) throws {
        #expect(try kind(call) == "forbidden-call")
    }

    @Test(
        arguments: [
            .emptyDictionary + .emptyDictionary + .build, .emptyDictionary + .string("state") + .build,
            .string("a") + .emptyDictionary + .build,
            .orderedDict + .emptyDictionary + .string("__class__") + .emptyTuple + .setItem + .build,
            .orderedDict + .emptyDictionary + .string("_metadata") + .emptyTuple + .setItem + .string("x") + .emptyTuple + .setItem
                + .build,
        ] as [PickleBytes])
    func refusesStates(_ build: PickleBytes) throws {
        #expect(try kind(build) == "forbidden-state")
    }

    @Test(arguments: [
        ".", "(.", "NN.", "N..", "t.", "e.", "u.", "}Nu.", "a.", "s.", "(a.", "(s.", "N(a.", "NNa.", "]Ns.", "}(Nu.", "](}e.(", "R.",
        "N(NR.",
        "b.", "Q.", "q\0.", "(q\0.", "h\0.", "N\u{80}\u{2}.", "\u{85}.",
    ])
    func refusesWhatIsNoPickle(_ opcodes: String) throws {
        #expect(try pickleKind(.protocol2 + PickleBytes(opcodes.unicodeScalars.map { UInt8($0.value) })) == "pickle-syntax")
    }

    @Test(arguments: [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80]] as [[UInt8]])
    func refusesStringsThatAreNotUTF8(_ text: [UInt8]) throws {
        #expect(try pickleKind(.protocol2 + PickleBytes([0x58] + little(text.count, 4) + text) + .stop) == "pickle-syntax")
    }

    @Test(arguments: [0x58, 0x42])
    func refusesALengthBeyondThePickle(_ opcode: UInt8) throws {
        #expect(try pickleKind(.protocol2 + PickleBytes([opcode] + little(0xFFFF_FFFF, 4)) + .stop) == "truncated-pickle")
    }

    /// Nesting costs memory only: tuples in tuples, a million deep, and a list that holds itself.
    @Test func takesAnyNesting() throws {
        let deep = PickleBytes([0x29] + [UInt8](repeating: 0x85, count: 1_000_000))
        let cyclic = PickleBytes("]q\0h\0a")
        for other in [deep, cyclic] {
            try withScratchDirectory { directory in
                let pickle =
                    PickleBytes.protocol2 + .emptyDictionary + .string("weight") + Self.weight + .setItem + .string("other") + other
                    + .setItem
                    + .stop
                try write(Self.archive(pickle).bytes, to: directory.appending("x.pt"))
                #expect(try PyTorchFile(InputFile(directory.appending("x.pt"))).tensors.map(\.name) == ["weight"])
            }
        }
    }

    /// A long tuple of integers, asked for as a size forty times: the work of each counts, and only some values may still be made.
    private static let nearlyTooLarge: PickleBytes = {
        let long = PickleBytes([0x28] + [UInt8](repeating: 0x4B, count: 200_000) + Array("tq\0".utf8))
        let again = PickleBytes.global("torch", "Size") + PickleBytes("h\0") + PickleBytes([0x85]) + .reduce
        return PickleBytes(repeatElement(again.bytes, count: 40).reduce(into: PickleBytes.protocol2.bytes + long.bytes, +=))
    }()

    @Test(arguments: [[], [0x4E], [0x28], [0x94]] as [[UInt8]])
    func boundsTheNumberOfValues(_ opcodes: [UInt8]) throws {
        let more = PickleBytes(Array(repeatElement(opcodes, count: 100_000).joined()))
        #expect(try pickleKind(Self.nearlyTooLarge + more) == (opcodes.isEmpty ? "truncated-pickle" : "pickle-too-large"))
    }
}
