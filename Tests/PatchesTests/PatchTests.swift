import Checkpoints
import Patches
import Storage
import SystemPackage
import Tensors
import TestSupport
import Testing

struct PatchTests {
    /// Words that are easily taken for others: NaNs with payloads, infinities, zeros of both signs, denormals, and the ends of the range.
    private static func special(_ dtype: DType) -> [UInt64] {
        let all = [0, 1, 2, UInt64.max, UInt64.max - 1]
        switch dtype {
        case .f16: return all + [0x7C00, 0xFC00, 0x7C01, 0xFE55, 0x8000, 0x8001, 0x03FF]
        case .bf16: return all + [0x7F80, 0xFF80, 0x7F81, 0xFFC5, 0x8000, 0x8001, 0x007F]
        case .f32: return all + [0x7F80_0000, 0xFF80_0000, 0x7F80_0001, 0xFFC5_5555, 0x8000_0000, 0x8000_0001, 0x007F_FFFF]
        case .f64: return all + [0x7FF << 52, 0xFFF << 52, 0x7FF << 52 | 1, 1 << 63, 1 << 63 | 1]
        default: return all + [0x80, 0x7F, 0x8000, 1 << 63]
        }
    }

    /// Random words with special ones among them; `changing` others leaves most as they are or near.
    private static func bytes(_ count: Int, _ dtype: DType, changing old: [UInt8]? = nil, using random: CounterRandom) -> [UInt8] {
        let width = WordWidth.bytes(dtype)
        let special = special(dtype)
        var bytes = old ?? [UInt8](repeating: 0, count: count)
        for word in 0..<count / width {
            let draw = random.bits(word)
            if old != nil && draw % 4 < 2 { continue }
            let value = draw % 5 == 0 ? special[Int(draw >> 8) % special.count] : random.bits(word + 1 << 40)
            for byte in 0..<width {
                let place = word * width + byte
                if old != nil && draw % 3 == 0 && byte > 0 { continue }
                bytes[place] = UInt8(truncatingIfNeeded: value >> (8 * UInt64(byte)))
            }
        }
        return bytes
    }

    private enum WordWidth {
        static func bytes(_ dtype: DType) -> Int { max(1, dtype.bitWidth / 8) }
    }

    private static func pair(_ dtype: DType, elements: Int, seed: UInt64) -> (MadeTensor, MadeTensor) {
        let count = elements * dtype.bitWidth / 8
        let old = bytes(count, dtype, using: CounterRandom(seed: seed, name: dtype.rawValue))
        let new = bytes(count, dtype, changing: old, using: CounterRandom(seed: seed &+ 1, name: dtype.rawValue))
        let name = "tensor.\(dtype.rawValue)"
        return (MadeTensor(name, dtype, [elements], bytes: old), MadeTensor(name, dtype, [elements], bytes: new))
    }

    /// Every dtype at once, and tensors that stay, are empty, or hold more than one block.
    private static func pairs(seed: UInt64, elements: Int = 1000) -> (before: [MadeTensor], after: [MadeTensor]) {
        var all = DType.allCases.map { pair($0, elements: elements, seed: seed) }
        let same = MadeTensor("same", .bf16, [4, 4], bytes: [UInt8](repeating: 7, count: 32))
        let empty = MadeTensor("empty", .f32, [0, 5], bytes: [])
        all += [(same, same), (empty, empty)]
        return (all.map(\.0), all.map(\.1))
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func leadsThereAndBackToTheByte(_ seed: UInt64) throws {
        try withScratchDirectory { directory in
            let (before, after) = Self.pairs(seed: seed)
            let (a, b, p) = (
                directory.appending("model.safetensors"), directory.appending("b.safetensors"), directory.appending("p.safetensors")
            )
            try before.write(to: a)
            try after.write(to: b)
            let patch = try makePatch(a, b, at: p)
            try patch.verify()
            #expect(
                patch.manifest.tensors.count == DType.allCases.count && patch.manifest.unchanged.map(\.name).sorted() == ["empty", "same"])
            let told = try apply(p, to: a, output: directory.appending("forward"))
            #expect(try told == Checkpoint(b).contentDigest() && told == patch.manifest.contentDigest(.result))
            let forward = try InputFile.contents(of: directory.appending("forward/model.safetensors"))
            let isForward = try forward == InputFile.contents(of: b)
            try apply(p, to: b, .reverse, output: directory.appending("back"))
            let isBack = try InputFile.contents(of: directory.appending("back/model.safetensors")) == InputFile.contents(of: a)
            #expect(isForward && isBack)
            // Any tool opens it: U8 tensors under the names of those that changed.
            let opened = try SafetensorsHeader(of: InputFile(p))
            #expect(opened.tensors.allSatisfy { $0.dtype == .u8 && $0.shape.count == 1 && $0.name.hasPrefix("tensor.") })
        }
    }

    /// More than a run of blocks, of which some change in a word or not at all.
    @Test func leadsThereAndBackOverManyBlocks() throws {
        try withScratchDirectory { directory in
            let random = CounterRandom(seed: 5, name: "large")
            var bytes = (0..<5_300_001).map { UInt8(truncatingIfNeeded: random.bits($0)) }
            let old = MadeTensor("a", .i8, [bytes.count], bytes: bytes)
            for place in [0, 262_144, 262_145, 2_097_151, 5_300_000] { bytes[place] ^= 0x80 }
            let new = MadeTensor("a", .i8, [bytes.count], bytes: bytes)
            let (a, b, p) = (
                directory.appending("a.safetensors"), directory.appending("b.safetensors"), directory.appending("p.safetensors")
            )
            try [old].write(to: a)
            try [new].write(to: b)
            let patch = try makePatch(a, b, at: p)
            #expect(patch.manifest.tensors.map(\.changedWords) == [5] && patch.size < 4000)
            try apply(p, to: a, output: directory.appending("forward"))
            let isSame = try InputFile.contents(of: directory.appending("forward/model.safetensors")) == InputFile.contents(of: b)
            #expect(isSame)
            for threads in [1, 2, 3] {
                _ = try withThreads(threads) { try makePatch(a, b, at: directory.appending("again")) }
                let isRepeated = try InputFile.contents(of: directory.appending("again")) == InputFile.contents(of: p)
                #expect(isRepeated)
            }
        }
    }

    /// Identity is by tensor: shards, order and metadata are those of what it is applied to.
    @Test func appliesAcrossShards() throws {
        try withScratchDirectory { directory in
            let (before, after) = Self.pairs(seed: 9)
            let (a, b, p) = (
                directory.appending("a.safetensors"), directory.appending("b.safetensors"), directory.appending("p.safetensors")
            )
            try before.write(to: a)
            try after.write(to: b)
            try makePatch(a, b, at: p)
            let (shards, result) = (directory.appending("shards"), directory.appending("result"))
            try Array(before.reversed()).write(to: shards, perShard: 5)
            #expect(try apply(p, to: shards, output: result) == Checkpoint(b).contentDigest())
            let (old, new) = (try Checkpoint(shards), try Checkpoint(result))
            #expect(new.shards.map(\.name) == old.shards.map(\.name) && new.tensors.map(\.name) == old.tensors.map(\.name))
            #expect(try new.contentDigest() == Checkpoint(b).contentDigest())
            try apply(p, to: result, .reverse, output: directory.appending("back"))
            let (first, second) = (try contents(of: shards), try contents(of: directory.appending("back")))
            #expect((first == second) as Bool)
        }
    }

    @Test func addsAndRemovesTensors() throws {
        try withScratchDirectory { directory in
            let (a, b, p) = (directory.appending("a"), directory.appending("b"), directory.appending("p.safetensors"))
            let stays = MadeTensor("stays", .f32, [1, 2])
            let zeros = MadeTensor("zeros", .bf16, [0, 0, 0])
            let gone = MadeTensor("gone", .f16, [1, -0.0, 3])
            try [gone, stays].write(to: a, perShard: 1)
            try [stays, zeros, MadeTensor("none", .f32, [], shape: [0])].write(to: b, perShard: 2)
            let patch = try makePatch(a, b, at: p)
            #expect(patch.manifest.tensors.map(\.status) == ["removed", "added", "added"])
            #expect(try apply(p, to: a, output: directory.appending("forward")) == Checkpoint(b).contentDigest())
            #expect(try Checkpoint(directory.appending("forward")).contentDigest() == Checkpoint(b).contentDigest())
            #expect(try apply(p, to: b, .reverse, output: directory.appending("back")) == Checkpoint(a).contentDigest())
            #expect(try Checkpoint(directory.appending("back")).contentDigest() == Checkpoint(a).contentDigest())
        }
    }

    @Test func refusesAnotherShapeOrType() throws {
        try withScratchDirectory { directory in
            let (a, b) = (directory.appending("a.safetensors"), directory.appending("b.safetensors"))
            try [MadeTensor("w", .f32, [1, 2])].write(to: a)
            for other in [MadeTensor("w", .f32, [1, 2], shape: [2, 1]), MadeTensor("w", .bf16, [1, 2])] {
                try [other].write(to: b)
                let error = try fault { try makePatch(a, b, at: directory.appending("p")) }
                #expect(error.kind == "other-shape" && error.fault == .unsupported && error.description.contains("\"w\""))
            }
            #expect(try FileSystem.names(in: directory) == ["a.safetensors", "b.safetensors"])
        }
    }

    /// Half the way; what is the same on both sides stays to the bit, NaN payloads too.
    @Test(arguments: [DType.f32, .f16, .bf16])
    func appliesPartOfTheWay(_ dtype: DType) throws {
        try withScratchDirectory { directory in
            let (a, b, p) = (
                directory.appending("a.safetensors"), directory.appending("b.safetensors"), directory.appending("p.safetensors")
            )
            var (old, new) = (MadeTensor("w", dtype, [1, 2, -3, 0, 5, 0]), MadeTensor("w", dtype, [2, 2, -1, 1, 5, 0]))
            let width = dtype.bitWidth / 8
            // A signalling NaN: its exponent all ones, its lowest bit set.
            let nan: [UInt8] = dtype == .f32 ? [1, 0, 0x80, 0x7F] : dtype == .bf16 ? [0x81, 0x7F] : [1, 0x7C]
            old.bytes.replaceSubrange(4 * width..<5 * width, with: nan)
            new.bytes.replaceSubrange(4 * width..<5 * width, with: nan)
            try [old].write(to: a)
            try [new].write(to: b)
            try makePatch(a, b, at: p)
            let told = try apply(p, to: a, .scaled(0.5), output: directory.appending("half"))
            let half = try Checkpoint(directory.appending("half"))
            #expect(try half.contentDigest() == told)
            var expected = MadeTensor("w", dtype, [1.5, 2, -2, 0.5, 5, 0])
            expected.bytes.replaceSubrange(4 * width..<5 * width, with: nan)
            let bytes = try half.stored("w").contents()
            #expect(bytes == expected.bytes)
            #expect(try EditHistory(of: FileTree(directory: directory.appending("half"))).edits.map { $0["scale"]?.number } == [0.5])
            // From -3 the way to -1 and on to 1.
            try apply(p, to: a, .scaled(2), output: directory.appending("double"))
            #expect(try Checkpoint(directory.appending("double")).floats("w")[2] == 1)
        }
    }

    @Test func refusesPartOfWhatIsNotFinite() throws {
        try withScratchDirectory { directory in
            let (a, b, p) = (
                directory.appending("a.safetensors"), directory.appending("b.safetensors"), directory.appending("p.safetensors")
            )
            for (old, new) in [
                (MadeTensor("w", .f32, [1]), MadeTensor("w", .f32, [.infinity])),
                (MadeTensor("w", .f16, [1]), MadeTensor("w", .f16, [60000])),
                (MadeTensor("w", .i8, [1], bytes: [1]), MadeTensor("w", .i8, [1], bytes: [2])),
                (MadeTensor("w", .f32, [1]), MadeTensor("v", .f32, [1])),
            ] {
                try [old].write(to: a)
                try [new].write(to: b)
                try makePatch(a, b, at: p)
                let error = try fault { try apply(p, to: a, .scaled(2), output: directory.appending("x")) }
                #expect(error.kind == "unscalable")
                #expect(FileSystem.kind(of: directory.appending("x")) == nil)
            }
        }
    }

    /// Tests/Fixtures/make_patch_fixture.py writes patches by code that shares nothing with this.
    @Test func readsWhatAnotherWriterWrote() throws {
        let fixtures = Fixture.directory.appending("patch")
        try withScratchDirectory { directory in
            let (base, result) = (fixtures.appending("base.safetensors"), fixtures.appending("result.safetensors"))
            let path = fixtures.appending("patch.safetensors")
            let patch = try Patch(InputFile(path))
            try patch.verify()
            try patch.verifyDifferences()
            #expect(try patch.side(of: Checkpoint(base)) == .base && patch.side(of: Checkpoint(result)) == .result)
            let own = try makePatch(base, result, at: directory.appending("own"))
            #expect(own.manifest.json["tensors"]?.serialized() == patch.manifest.json["tensors"]?.serialized())
            #expect(own.manifest.json["metadata"]?.serialized() == patch.manifest.json["metadata"]?.serialized())
            try apply(path, to: base, output: directory.appending("forward"))
            try apply(path, to: result, .reverse, output: directory.appending("back"))
            let (forward, back) = (try Checkpoint(directory.appending("forward")), try Checkpoint(directory.appending("back")))
            #expect(try forward.contentDigest() == Checkpoint(result).contentDigest())
            #expect(try back.contentDigest() == Checkpoint(base).contentDigest())
            let blocks = try Patch(InputFile(fixtures.appending("patch-of-two-blocks.safetensors")))
            try blocks.verify()
            try blocks.verifyDifferences()
        }
    }

    /// Of noise from noise, which nothing can shrink, a frame and a length more a block.
    @Test(arguments: [DType.u8, .bf16, .f32, .f64])
    func isNeverMuchLargerThanTheTensor(_ dtype: DType) throws {
        try withScratchDirectory { directory in
            let (a, b) = (directory.appending("a.safetensors"), directory.appending("b.safetensors"))
            for (path, name) in [(a, "a"), (b, "b")] {
                let random = CounterRandom(seed: 1, name: name)
                let bytes = (0..<600_000).map { UInt8(truncatingIfNeeded: random.bits($0)) }
                try [MadeTensor("w", dtype, [bytes.count * 8 / dtype.bitWidth], bytes: bytes)].write(to: path)
            }
            let patch = try makePatch(a, b, at: directory.appending("p"))
            #expect(patch.byteCount(of: patch.manifest.tensors[0]) < 601_000)
        }
    }

    /// A step of 1 % of the weights' spread in every weight: the patch is smaller than what changed, however hard that is compressed.
    @Test func isSmallerThanWhatChangedCompressed() throws {
        let base = Fixture.project.appending("Examples/quickstart/model")
        let name = "model.embed_tokens.weight"
        try withScratchDirectory { directory in
            let checkpoint = try Checkpoint(base)
            let description = try #require(checkpoint.tensor(named: name)).description
            let (a, b) = (directory.appending("a.safetensors"), directory.appending("b.safetensors"))
            var values = try checkpoint.floats(name)
            try [MadeTensor(name, .bf16, values, shape: description.shape)].write(to: a)
            let spread = (values.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(values.count)).squareRoot()
            let random = CounterRandom(seed: 2, name: name)
            for index in values.indices { values[index] += Float(0.01 * spread * random.normal(index)) }
            let edited = MadeTensor(name, .bf16, values, shape: description.shape)
            try [edited].write(to: b)
            let patch = try makePatch(a, b, at: directory.appending("p"))
            let compressed = Zstandard.compressed(edited.bytes.span, level: 19).count
            // A third against three quarters of the stored bytes.
            #expect(patch.byteCount(of: patch.manifest.tensors[0]) < compressed / 2)
        }
    }
}
