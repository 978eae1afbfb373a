import Checkpoints
import Comparison
import Storage
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite struct CheckpointComparisonTests {
    private static let directory = Fixture.directory.appending("diff")

    /// NumPy's numbers, in Double, of what Excise adds up in Float in stretches of 32 terms (BlockSums: below 2e-6, a hundredth of it
    /// in practice); F32 differences are rounded to Float once more.
    @Test func statisticsAreThoseOfNumPy() throws {
        let found = try comparison(Self.directory.appending("before.safetensors"), Self.directory.appending("after.safetensors"))
        let expected = try InputFile.json(Self.directory.appending("expected.json")).object?.members ?? []
        #expect(expected.count == found.tensors.count && expected.count > 20)
        for (name, numbers) in expected {
            let tensor = try #require(found[name])
            #expect(tensor.changedElements == numbers["changed_elements"]?.integer, "\(name)")
            guard let sums = tensor.sums else {
                #expect(numbers.object?.members.count == 1 || tensor.status == .equal, "\(name)")
                continue
            }
            #expect(sums.after.nan == numbers["nan"]?.integer && sums.after.infinite == numbers["infinite"]?.integer, "\(name)")
            #expect(sums.compared == numbers["compared_elements"]?.integer, "\(name)")
            #expect(sums.ulps?.largest == numbers["max_ulps"]?.integer, "\(name)")
            let scale = numbers["mean_abs"]?.number ?? 0
            // Where d is almost parallel to a, the angle is what is left of |d|^2.
            let parallel = min(1, (numbers["relative_l2"]?.number ?? 0) * (numbers["relative_l2"]?.number ?? 0))
            for (key, value, slack) in [
                ("mean_ulps", sums.meanUlps, 0), ("max_abs", sums.maxAbs, 0), ("mean", sums.mean, scale), ("mean_abs", sums.meanAbs, 0),
                ("rms", sums.rms, 0), ("relative_l2", sums.relativeL2, 0), ("cosine", sums.cosine, 0),
                ("cosine_distance", sums.cosineDistance, parallel),
            ] {
                guard let number = numbers[key]?.number else { continue }
                #expect(agree(value, number, relative: 2e-6, absolute: 2e-6 * slack), "\(name) \(key): \(value ?? .nan) for \(number)")
            }
        }
    }

    /// Bits of every kind, NaN and infinities among them, against the definitions one pair at a time.
    @Test(arguments: [DType.f32, .f16, .bf16])
    func everyBitPatternIsCounted(_ dtype: DType) throws {
        let width = dtype.bitWidth / 8
        let count = 70_001
        func bytes(_ seed: UInt64) -> [UInt8] {
            let random = CounterRandom(seed: seed, name: dtype.rawValue)
            return (0..<count * width).map { UInt8(truncatingIfNeeded: random.bits($0)) }
        }
        let (old, new) = (bytes(1), bytes(2))
        let tensor = try #require(
            try comparison([MadeTensor("w", dtype, [count], bytes: old)], [MadeTensor("w", dtype, [count], bytes: new)]).tensors.first)
        let sums = try #require(tensor.sums)
        var (a, b) = ([Float](repeating: 0, count: count), [Float](repeating: 0, count: count))
        var spanA = a.mutableSpan, spanB = b.mutableSpan
        StoredScalar.decode(old.span, as: dtype, into: &spanA)
        StoredScalar.decode(new.span, as: dtype, into: &spanB)
        let finite = (0..<count).filter { a[$0].isFinite && b[$0].isFinite }
        #expect(sums.compared == finite.count && sums.elements == count)
        #expect(sums.before.nan == a.count { $0.isNaN } && sums.after.nan == b.count { $0.isNaN })
        #expect(sums.before.infinite == a.count { $0.isInfinite } && sums.after.infinite == b.count { $0.isInfinite })
        #expect(sums.maxAbs == finite.map { abs(Double(b[$0]) - Double(a[$0])) }.max())
        let squares = finite.reduce(0.0) { $0 + Double(a[$1]) * Double(a[$1]) }
        #expect(agree(sums.beforeSquares, squares, relative: 1e-9))
        // How many values of the type lie between two: by counting up from the one to the other.
        func rank(_ bytes: [UInt8], _ index: Int) -> Int {
            let bits = (0..<width).reduce(0) { $0 | Int(bytes[index * width + $1]) << (8 * $1) }
            let half = 1 << (8 * width - 1)
            return bits < half ? bits : half - 1 - bits
        }
        #expect(sums.ulps?.largest == finite.map { abs(rank(old, $0) - rank(new, $0)) }.max())
        #expect(tensor.changedElements == (0..<count).count { rank(old, $0) != rank(new, $0) })
    }

    /// Changes of every size, from the last place to nothing left, and of opposite signs: against the sums one pair at a time in Double. The
    /// bound is that of `LaneSums`, of a sum that follows from others three times that.
    @Test(arguments: [DType.f32, .f16, .bf16], [0, 1e-3, 0.2, 0.3, 1, 1.999, 100])
    func lanesAddUpChangesOfEverySize(_ dtype: DType, _ size: Float) throws {
        let random = CounterRandom(seed: 5, name: "sizes")
        let count = 4 * 1024 + 8
        var old = (0..<count).map { Float(random.normal($0)) }
        // From -a to a is the largest distance in the last place, 2^15 and more for BF16.
        var new = (0..<count).map { size == 1 ? old[$0] * 1e-3 : old[$0] + size * Float(random.normal(count + $0)) }
        if size == 1.999 { new = old.map { -$0 } }
        let tensors = [MadeTensor("w", dtype, old), MadeTensor("w", dtype, new)]
        let sums = try #require(try comparison([tensors[0]], [tensors[1]]).tensors.first)
        guard size > 0 else {
            #expect(sums.status == .equal)
            return
        }
        func decoded(_ tensor: MadeTensor, into values: inout [Float]) {
            var span = values.mutableSpan
            StoredScalar.decode(tensor.bytes.span, as: dtype, into: &span)
        }
        decoded(tensors[0], into: &old)
        decoded(tensors[1], into: &new)
        let pairs = zip(old, new).map { (Double($0), Double($1)) }
        func sum(_ term: ((Double, Double)) -> Double) -> Double { pairs.reduce(0) { $0 + term($1) } }
        let (aa, bb, ab, dd) = (sum { $0.0 * $0.0 }, sum { $0.1 * $0.1 }, sum { $0.0 * $0.1 }, sum { ($0.1 - $0.0) * ($0.1 - $0.0) })
        let found = try #require(sums.sums)
        #expect(agree(found.beforeSquares, aa, relative: 2e-6) && agree(found.afterSquares, bb, relative: 6e-6))
        #expect(agree(found.squares, dd, relative: 2e-6))
        #expect(agree(found.product, ab, relative: 0, absolute: 6e-6 * (aa * bb).squareRoot()))
        #expect(agree(found.alignment, sum { $0.0 * ($0.1 - $0.0) }, relative: 0, absolute: 2e-6 * (aa * dd).squareRoot()))
        #expect(agree(found.magnitude, sum { abs($0.1 - $0.0) }, relative: 2e-6))
        #expect(agree(found.maxAbs, pairs.map { abs($0.1 - $0.0) }.max() ?? 0, relative: 1e-7))
        let width = dtype.bitWidth / 8
        func rank(_ tensor: MadeTensor, _ index: Int) -> Int {
            let bits = (0..<width).reduce(0) { $0 | Int(tensor.bytes[index * width + $1]) << (8 * $1) }
            let half = 1 << (8 * width - 1)
            return bits < half ? bits : half - 1 - bits
        }
        let steps = (0..<count).map { abs(rank(tensors[0], $0) - rank(tensors[1], $0)) }
        #expect(found.ulps?.largest == steps.max() && found.changed == steps.count { $0 > 0 })
        #expect(found.ulps?.sum == Double(steps.reduce(0, +)))
    }

    /// A file that became shorter after it was opened.
    @Test func noticesAFileThatShrinks() throws {
        try withScratchDirectory { directory in
            let (old, new) = (directory.appending("a.safetensors"), directory.appending("b.safetensors"))
            try writeCheckpoint([MadeTensor("w", [Float](repeating: 1, count: 9000))], to: old)
            try writeCheckpoint([MadeTensor("w", [Float](repeating: 2, count: 9000))], to: new)
            let (before, after) = (try ConversionSource(Checkpoint(old)), try ConversionSource(Checkpoint(new)))
            let contents = try InputFile.contents(of: new)
            try write(Array(contents[..<9000]), to: new)
            let error = try #require(throws: StorageError.self) { _ = try CheckpointComparison(before, after) }
            #expect(error.kind == "truncated-file")
        }
    }

    /// Two and a half runs: the same bits on any number of threads, and the sums of the naive definition.
    @Test func runsAddUp() throws {
        let count = 2_621_441
        let random = CounterRandom(seed: 7, name: "runs")
        let old = (0..<count).map { Float(random.uniform($0)) - 0.5 }
        let new = old.enumerated().map { $0.offset.isMultiple(of: 3) ? $0.element * 1.01 : $0.element }
        let sums = try [1, 5].map { threads in
            try withThreads(threads) { try comparison([MadeTensor("w", old)], [MadeTensor("w", new)]).tensors.first?.sums }
        }
        let (one, five) = (try #require(sums[0]), try #require(sums[1]))
        #expect(one == five)
        let squares = zip(old, new).reduce(0.0) { $0 + (Double($1.1) - Double($1.0)) * (Double($1.1) - Double($1.0)) }
        #expect(agree(one.squares, squares, relative: 1e-7) && one.changed == (count + 2) / 3)
    }

    @Test func oneBitAtTheEndIsFound() throws {
        let old = [Float](repeating: 0.25, count: 1_100_000)
        var new = old
        new[new.count - 1] = Float(0.25).nextUp
        let tensor = try #require(try comparison([MadeTensor("w", old)], [MadeTensor("w", new)]).tensors.first)
        #expect(tensor.status == .changed && tensor.changedElements == 1 && tensor.sums?.ulps?.largest == 1)
        #expect(try comparison([MadeTensor("w", old)], [MadeTensor("w", old)]).isIdentical)
    }

    /// What has no counterpart gets no numbers.
    @Test func tensorsWithoutCounterparts() throws {
        let square = [Float](repeating: 1, count: 6)
        let found = try comparison(
            [MadeTensor("gone", square), MadeTensor("turned", square, shape: [2, 3]), MadeTensor("bits", .u8, [2], bytes: [1, 2])],
            [MadeTensor("new", square), MadeTensor("turned", square, shape: [3, 2]), MadeTensor("bits", .i8, [2], bytes: [1, 2])])
        #expect(found.tensors.map(\.name) == ["bits", "gone", "new", "turned"])
        #expect(found.tensors.map(\.status) == [.changed, .removed, .added, .changed])
        #expect(found.tensors.allSatisfy { $0.sums == nil && $0.changedElements == nil })
        #expect(found["turned"]?.remark == "the shapes differ: [2, 3] and [3, 2]")
        #expect(found["bits"]?.remark == "U8 and I8 are not computed with")
        #expect(!found.isIdentical && found.tensors.allSatisfy { $0.exceeds(1e300, of: .relativeL2) })
    }

    /// Half bytes: two elements share one.
    @Test func elementsOfFourBitsAreCounted() throws {
        let found = try comparison(
            [MadeTensor("w", .f4, [6], bytes: [0x21, 0x43, 0x65])], [MadeTensor("w", .f4, [6], bytes: [0x22, 0x34, 0x65])])
        #expect(found["w"]?.changedElements == 3)
    }

    @Test func ofOtherDTypesTheValuesCount() throws {
        let values: [Float] = [1, -0.5, 0.125, 0]
        let same = try comparison([MadeTensor("w", .f32, values)], [MadeTensor("w", .bf16, values)])
        #expect(same["w"]?.status == .changed && same["w"]?.changedElements == 0 && !same.isIdentical)
        #expect(same["w"]?.sums?.relativeL2 == 0 && same["w"]?.sums?.ulps == nil)
        #expect(same.tensors(above: 0, of: .relativeL2).isEmpty && same.tensors(above: 0, of: .maxUlps).isEmpty)
    }

    /// A bound is broken by a larger value, and by numbers that are none; not by an equal tensor.
    @Test func thresholds() throws {
        let old: [Float] = [1, 2, 3, 4]
        let found = try comparison(
            [MadeTensor("a", old), MadeTensor("b", old), MadeTensor("c", old)],
            [MadeTensor("a", [1, 2, 3, 4.5]), MadeTensor("b", [1, 2, .nan, 4]), MadeTensor("c", old)])
        #expect(found.tensors(above: 0.4, of: .maxAbs).map(\.name) == ["a", "b"])
        #expect(found.tensors(above: 0.5, of: .maxAbs).map(\.name) == ["b"])
        #expect(found["b"]?.sums?.maxAbs == 0)
        #expect(found.ranking(by: .maxAbs).map(\.name) == ["a", "b"])
    }

    @Test func groupsAddUpTheirTensors() throws {
        let old = [Float](repeating: 3, count: 4)
        let found = try comparison(
            [MadeTensor("h.0.w", old), MadeTensor("h.1.w", old), MadeTensor("h.10.w", old), MadeTensor("h.2.b", old)],
            [MadeTensor("h.0.w", [3, 3, 3, 4]), MadeTensor("h.1.w", [3, 3, 5, 5]), MadeTensor("h.10.w", old), MadeTensor("h.2.b", old)])
        #expect(found.layers.map(\.name) == ["0", "1", "2", "10"] && found.kinds.map(\.name) == ["w", "b"])
        #expect(found.kinds[0].tensors == 3 && found.kinds[0].different == 2)
        #expect(agree(found.kinds[0].sums?.relativeL2, (9.0 / 72).squareRoot(), relative: 1e-12))
        #expect(found.kinds[1].sums == nil)
    }
}
