import Checkpoints
import Patches
import Storage
import SystemPackage
import Tensors
import TestSupport
import Testing

/// A bit that is not as it was, wherever it is, is found, and nothing is written.
struct DamageTests {
    private let before = [
        MadeTensor("a", .bf16, (0..<300).map { Float($0) }), MadeTensor("b", .f32, [1, 2, 3]), MadeTensor("same", .u8, [2], bytes: [1, 2]),
    ]
    private let after = [
        MadeTensor("a", .bf16, (0..<300).map { Float($0) * 1.5 }), MadeTensor("b", .f32, [1, 2, 4]),
        MadeTensor("same", .u8, [2], bytes: [1, 2]),
    ]

    private func withFiles(_ body: (_ a: FilePath, _ b: FilePath, _ p: FilePath, _ output: FilePath) throws -> Void) throws {
        try withScratchDirectory { directory in
            let (a, b, p) = (
                directory.appending("a.safetensors"), directory.appending("b.safetensors"), directory.appending("p.safetensors")
            )
            try before.write(to: a)
            try after.write(to: b)
            try makePatch(a, b, at: p)
            try body(a, b, p, directory.appending("out"))
        }
    }

    @Test func everyBitOfThePatchCounts() throws {
        try withFiles { a, _, p, output in
            let whole = try InputFile.contents(of: p)
            for place in whole.indices {
                var damaged = whole
                damaged[place] ^= 1 << UInt8(place % 8)
                try write(damaged, to: p)
                let error = try fault { try apply(p, to: a, output: output) }
                #expect([.malformedInput, .digestMismatch].contains(error.fault), "byte \(place): \(error)")
                #expect(FileSystem.kind(of: output) == nil)
            }
            for length in [0, 8, whole.count / 2, whole.count - 1] {
                try write(Array(whole.prefix(length)), to: p)
                #expect(try fault { try apply(p, to: a, output: output) }.fault == .malformedInput)
            }
        }
    }

    @Test(arguments: [PatchApplication.Mode.forward, .reverse, .scaled(0.5)])
    func everyBitOfATensorCounts(_ mode: PatchApplication.Mode) throws {
        try withFiles { a, b, p, output in
            let path = mode == .reverse ? b : a
            let whole = try InputFile.contents(of: path)
            for tensor in try Checkpoint(path).tensors {
                for place in [tensor.offset, tensor.offset + tensor.byteCount - 1] {
                    var damaged = whole
                    damaged[place] ^= 0x10
                    try write(damaged, to: path)
                    let error = try fault { try apply(p, to: path, mode, output: output) }
                    #expect(error.fault == .digestMismatch && error.description.contains("\"\(tensor.name)\""), "\(error)")
                    #expect(FileSystem.kind(of: output) == nil)
                }
            }
        }
    }

    @Test func anotherCheckpointIsNamed() throws {
        try withFiles { a, b, p, output in
            for (made, name) in [
                (Array(before.dropLast()), "same"), (before + [MadeTensor("more", .f32, [1])], "more"),
                ([before[0], MadeTensor("b", .f16, [1, 2, 3]), before[2]], "b"), ([before[0], before[2]], "b"),
            ] {
                try made.write(to: a)
                let error = try fault { try apply(p, to: a, output: output) }
                #expect(error.kind == "base-tensors" && error.fault == .digestMismatch && error.description.contains("\"\(name)\""))
            }
            // Already applied.
            for (path, mode) in [(b, PatchApplication.Mode.forward), (a, .reverse)] {
                try before.write(to: a)
                let error = try fault { try apply(p, to: path, mode, output: output) }
                #expect(error.kind == "already-made" && error.fault == .digestMismatch)
            }
            #expect(try fault { _ = try Patch(InputFile(a)) }.kind == "not-a-patch")
        }
    }
}
