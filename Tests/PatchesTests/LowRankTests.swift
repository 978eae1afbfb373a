import Checkpoints
import Patches
import Storage
import SystemPackage
import Tensors
import TestSupport
import Testing

struct LowRankTests {
    private let rows = 60
    private let columns = 90

    private func random(_ name: String, _ count: Int) -> [Float] {
        let stream = CounterRandom(seed: 3, name: name)
        return (0..<count).map { Float(stream.normal($0)) }
    }

    /// A matrix, and it with a change whose singular values are 8, 4, 2 and 1; beside it a vector, which has no rank.
    private func withPatch(
        _ dtype: DType, rank: Int, _ body: (_ directory: FilePath, _ base: FilePath, _ edited: FilePath, Patch) throws -> Void
    ) throws {
        try withScratchDirectory { directory in
            let base = random("base", rows * columns)
            var edited = base
            for (index, value) in ([8, 4, 2, 1] as [Float]).enumerated() {
                edited[(7 * index + 3) * columns + 11 * index] += value
            }
            let (a, b) = (directory.appending("model"), directory.appending("edited"))
            for (path, values) in [(a, base), (b, edited)] {
                try FileSystem.createDirectory(path)
                try [
                    MadeTensor("w", dtype, values, shape: [rows, columns / 2, 2]),
                    MadeTensor("v", dtype, Array(values.prefix(11 * columns))),
                    MadeTensor("same", dtype, base, shape: [rows, columns]),
                ].write(to: path.appending("model.safetensors"))
            }
            let output = try AtomicFile(directory.appending("p"), replacing: false)
            try PatchCreation(from: Checkpoint(a), to: Checkpoint(b), tool: "test", rank: rank).write(to: output)
            try output.commit()
            try body(directory, a, b, Patch(InputFile(directory.appending("p"))))
        }
    }

    /// Nothing of that rank is nearer (Eckart and Young): the singular values that are left out are all that is lost.
    @Test(arguments: [(1, 21.0), (2, 5.0), (3, 1.0), (4, 0.0)])
    func losesNoMoreThanItMust(_ rank: Int, _ lost: Double) throws {
        try withPatch(.f32, rank: rank) { _, _, edited, patch in
            let tensor = try #require(patch.manifest.tensors.first { $0.name == "w" })
            #expect(tensor.lowRank?.rank == rank)
            // Sums in Float and the values' own rounding: 1e-6 of weights near 1, against a change of norm 9.2 over 5,400 elements.
            #expect(abs((tensor.lowRank?.residual ?? .nan) - (lost / 85).squareRoot()) < 2e-5)
            #expect(patch.manifest.tensors.first { $0.name == "v" }?.lowRank == nil)
            #expect(patch.manifest.unchanged.map(\.name) == ["same"])
            #expect(!patch.manifest.isLossless)
            #expect(try patch.manifest.contentDigest(.edited) == Checkpoint(edited).contentDigest())
            try JSONSchema("patch-manifest").check(patch.manifest.json)
        }
    }

    /// What is written is the base and the product, in Double, rounded; and the digest is the one that the patch tells.
    @Test(arguments: [DType.f32, .f16, .bf16], [1, 2])
    func isBaseAndProduct(_ dtype: DType, _ threads: Int) throws {
        try withThreads(threads) {
            try withPatch(dtype, rank: 2) { directory, base, edited, patch in
                try patch.verify()
                try patch.verifyDifferences()
                for scale in [1, 0.5] {
                    let mode: PatchApplication.Mode = scale == 1 ? .forward : .scaled(scale)
                    let told = try apply(patch.path, to: base, mode, output: directory.appending("out"))
                    let made = try Checkpoint(directory.appending("out"))
                    #expect(try made.contentDigest() == told)
                    if scale == 1 { #expect(told == patch.manifest.contentDigest(.result)) }
                    let (left, right) = (try Checkpoint(patch.path).floats("w/left"), try Checkpoint(patch.path).floats("w/right"))
                    let (old, new) = (try Checkpoint(base).floats("w"), try made.floats("w"))
                    // Half a unit in the last place of values below 16, and a sum of two terms in Float.
                    let unit = dtype == .f32 ? 1e-6 : dtype == .f16 ? 0x1p-8 : 0x1p-5
                    var largest = 0.0
                    for index in old.indices {
                        let (row, column) = (index / columns, index % columns)
                        let product = (0..<2).reduce(0.0) { $0 + Double(left[2 * row + $1]) * Double(right[$1 * columns + column]) }
                        largest = max(largest, abs(Double(new[index]) - Double(old[index]) - scale * product))
                    }
                    #expect(largest <= unit)
                    // The vector is led all the way, or to its part.
                    if scale == 1 { #expect(try made.floats("v") == Checkpoint(edited).floats("v")) }
                    let entry = try #require(EditHistory(of: FileTree(directory: directory.appending("out"))).edits.last)
                    #expect(
                        entry["method"]?.string == "patch" && entry["scale"]?.number == scale
                            && entry["content_digest"]?.string == told.description)
                }
            }
        }
    }

    @Test func isNeitherTakenBackNorComposed() throws {
        try withPatch(.bf16, rank: 1) { directory, base, edited, patch in
            let error = try fault { try apply(patch.path, to: edited, .reverse, output: directory.appending("x")) }
            #expect(error.kind == "lossy-patch" && error.fault == .unsupported && error.description.contains("\"w\""))
            #expect(try fault { _ = try PatchComposition(patch, patch, tool: "test") }.kind == "lossy-patch")
        }
    }

    /// Where thin matrices are no smaller, or there are NaNs, the difference is kept to the bit.
    @Test func keepsTheDifferenceWhereThatIsBetter() throws {
        try withPatch(.bf16, rank: 30) { _, _, _, patch in #expect(patch.manifest.isLossless) }
        try withScratchDirectory { directory in
            let (a, b, p) = (directory.appending("a.safetensors"), directory.appending("b.safetensors"), directory.appending("p"))
            var values = random("w", rows * columns)
            try [MadeTensor("w", .f32, values, shape: [rows, columns])].write(to: a)
            values[5] = .nan
            try [MadeTensor("w", .f32, values, shape: [rows, columns])].write(to: b)
            let output = try AtomicFile(p, replacing: false)
            let made = try PatchCreation(from: Checkpoint(a), to: Checkpoint(b), tool: "test", rank: 1).write(to: output).0
            #expect(made.isLossless && made.tensors.map(\.changedWords) == [1])
        }
    }

    @Test func everyBitOfThePatchCounts() throws {
        try withPatch(.bf16, rank: 1) { directory, base, _, patch in
            let whole = try InputFile.contents(of: patch.path)
            for place in stride(from: 0, to: whole.count, by: 5) {
                var damaged = whole
                damaged[place] ^= 1 << UInt8(place % 8)
                try write(damaged, to: patch.path)
                let error = try fault { try apply(patch.path, to: base, output: directory.appending("x")) }
                #expect([.malformedInput, .digestMismatch].contains(error.fault), "byte \(place): \(error)")
            }
        }
    }
}
