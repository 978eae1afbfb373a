import Checkpoints
import Patches
import Storage
import SystemPackage
import Tensors
import TestSupport
import Testing

struct PatchCompositionTests {
    /// Three checkpoints: tensors that change once, twice, there and back, that come and go.
    private let stages: [[MadeTensor]] = {
        func w(_ name: String, _ values: [Float]) -> MadeTensor { MadeTensor(name, .bf16, values) }
        return [
            [
                w("first", [1]), w("second", [1]), w("both", [1, -0.0, .nan]), w("back", [1]), w("never", [5]), w("goes", [4]),
                w("again", [4]),
            ],
            [w("first", [2]), w("second", [1]), w("both", [2, 0, 7]), w("back", [9]), w("never", [5]), w("comes", [0]), w("passes", [3])],
            [
                w("first", [2]), w("second", [3]), w("both", [-3, .infinity, 7]), w("back", [1]), w("never", [5]), w("comes", [6]),
                w("again", [8]),
            ],
        ]
    }()

    private func withPatches(_ body: (_ directory: FilePath, _ models: [FilePath], _ patches: [FilePath]) throws -> Void) throws {
        try withScratchDirectory { directory in
            let models = stages.indices.map { directory.appending("\($0).safetensors") }
            for (path, tensors) in zip(models, stages) { try tensors.write(to: path) }
            let patches = [directory.appending("p"), directory.appending("q")]
            for index in patches.indices { try makePatch(models[index], models[index + 1], at: patches[index]) }
            try body(directory, models, patches)
        }
    }

    private func compose(_ first: FilePath, _ second: FilePath, at path: FilePath) throws -> Patch {
        let composition = try PatchComposition(Patch(InputFile(first)), Patch(InputFile(second)), tool: "test")
        let output = try AtomicFile(path, replacing: true)
        try composition.write(to: output)
        try output.commit()
        return try Patch(InputFile(path))
    }

    @Test func leadsAllTheWayAndBack() throws {
        try withPatches { directory, models, patches in
            let composed = try compose(patches[0], patches[1], at: directory.appending("c"))
            let direct = try makePatch(models[0], models[2], at: directory.appending("d"))
            for side in [PatchManifest.Side.base, .result] {
                #expect(composed.manifest.contentDigest(side) == direct.manifest.contentDigest(side))
            }
            func told(_ patch: Patch) -> [String] {
                patch.manifest.tensors.map { "\($0.name) \($0.status) \($0.changedWords) \(patch.byteCount(of: $0))" }.sorted()
            }
            #expect(told(composed) == told(direct))
            #expect(composed.manifest.unchanged.map(\.name).sorted() == ["back", "never"])
            #expect(try apply(composed.path, to: models[0], output: directory.appending("x")) == Checkpoint(models[2]).contentDigest())
            #expect(
                try apply(composed.path, to: models[2], .reverse, output: directory.appending("y")) == Checkpoint(models[0]).contentDigest()
            )
        }
    }

    @Test func refusesTheWrongOrder() throws {
        try withPatches { directory, models, patches in
            let error = try fault { _ = try compose(patches[1], patches[0], at: directory.appending("c")) }
            #expect(error.kind == "patch-order" && error.fault == .digestMismatch && error.description.contains("first"))
            #expect(try fault { _ = try compose(patches[0], patches[0], at: directory.appending("c")) }.kind == "patch-order")
            #expect(FileSystem.kind(of: directory.appending("c")) == nil)
        }
    }

    /// What is composed with its own way back is nothing.
    @Test func thereAndBackIsNothing() throws {
        try withPatches { directory, models, patches in
            try makePatch(models[1], models[0], at: directory.appending("r"))
            let nothing = try compose(patches[0], directory.appending("r"), at: directory.appending("n"))
            #expect(nothing.manifest.tensors.isEmpty)
            #expect(try apply(nothing.path, to: models[0], output: directory.appending("x")) == Checkpoint(models[0]).contentDigest())
        }
    }

    /// Files with metadata and a history: the last edit's line and entry, and all entries in their order.
    @Test func composesRecords() throws {
        try withScratchDirectory { directory in
            func entry(_ number: Int) -> JSONValue {
                .members(["method": .string("m\(number)"), "base_content_digest": "a", "content_digest": "b"])
            }
            var models: [FilePath] = []
            for stage in 0..<3 {
                let path = directory.appending("\(stage)")
                try FileSystem.createDirectory(path)
                let metadata = [("format", "pt")] + (stage == 0 ? [] : [("excise.edits", "\(stage)")])
                try [MadeTensor("w", .f32, [Float(stage), 2])].write(to: path.appending("model.safetensors"), metadata: metadata)
                if stage > 0 { try write(EditHistory(edits: (1...stage).map(entry)).bytes, to: path.appending(EditHistory.fileName)) }
                try write([1, 2, 3], to: path.appending("vocab.txt"))
                models.append(path)
            }
            let patches = [directory.appending("p"), directory.appending("q"), directory.appending("c")]
            for index in 0..<2 { try makePatch(models[index], models[index + 1], at: patches[index]) }
            let composed = try compose(patches[0], patches[1], at: patches[2])
            #expect(composed.manifest.edits.after.map { $0["method"]?.string } == ["m1", "m2"] && composed.manifest.edits.before.isEmpty)
            // Whole directories, byte for byte, both ways and by each patch.
            for (patch, from, to) in [(0, 0, 1), (1, 1, 2), (2, 0, 2)] {
                try apply(patches[patch], to: models[from], output: directory.appending("x"))
                let isForward = try contents(of: directory.appending("x")) == contents(of: models[to])
                try apply(patches[patch], to: models[to], .reverse, output: directory.appending("x"))
                let isBack = try contents(of: directory.appending("x")) == contents(of: models[from])
                #expect(isForward && isBack, "\(patch)")
            }
        }
    }
}
