import Foundation
import Storage
import SystemPackage
import TestSupport
import Testing

/// A process killed at any of its writes leaves the old state or the new one, and `--resume` ends with the same bytes.
@Suite struct CrashTests {
    /// The library that kills, built from Tests/Fixtures/crash; nil where there is no C compiler.
    private static let killer: String? = {
        let library = NSTemporaryDirectory() + "excise-kill-at-\(ProcessInfo.processInfo.processIdentifier).so"
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["cc", "-shared", "-fPIC", "-O1", "-o", library, Fixture.directory.appending("crash/kill_at.c").string, "-ldl"]
        try? process.run()
        process.waitUntilExit()
        return process.terminationStatus == 0 ? library : nil
    }()

    private let place: WorkingDirectory
    private let model: FilePath

    init() throws {
        place = try WorkingDirectory()
        model = try place.copy(Fixture.directory.appending("llama-sharded"), as: "model")
    }

    private func convert(_ options: [String], environment: [String: String] = [:]) throws -> Int32 {
        try ExciseBinary.run(
            ["convert", model.string, place.path.appending("out").string, "--dtype", "f16", "--shard-size", "10KB"] + options,
            environment: environment
        ).status
    }

    @Test(.enabled(if: killer != nil, "there is no C compiler to build the killer with"), arguments: [false, true])
    func leavesTheOldStateOrTheNewOne(_ replaces: Bool) throws {
        let killer = try #require(Self.killer)
        let output = place.path.appending("out")
        #expect(try convert([]) == 0)
        let new = try contents(of: output)
        #expect(new.count > 4)
        let old: [String: [UInt8]] = ["old.txt": [1, 2, 3]]
        func reset() throws {
            FileSystem.remove(output)
            guard replaces else { return }
            try FileSystem.createDirectory(output)
            for (name, bytes) in old { try write(bytes, to: output.appending(name)) }
        }
        let options = replaces ? ["--force"] : []

        try reset()
        let counter = place.path.appending("count").string
        #expect(try convert(options, environment: ["LD_PRELOAD": killer, "EXCISE_KILL_COUNT": counter]) == 0)
        let steps = try #require(Int(String(decoding: InputFile.contents(of: FilePath(counter)), as: UTF8.self)))
        FileSystem.remove(FilePath(counter))
        #expect(steps > 20)
        var isOld = 0
        for step in 1...steps {
            try reset()
            #expect(try convert(options, environment: ["LD_PRELOAD": killer, "EXCISE_KILL_AT": "\(step)"]) == SIGKILL)
            let found = FileSystem.kind(of: output) == nil ? nil : try contents(of: output)
            if found == (replaces ? old : nil) { isOld += 1 } else { #expect((found == new) as Bool, "killed at step \(step) of \(steps)") }
            // Where the new state has been reached, it is made once more.
            #expect(try convert(options + ["--resume"] + (found == new ? ["--force"] : [])) == 0, "after step \(step)")
            let isSame = try contents(of: output) == new
            #expect(isSame, "resumed after step \(step)")
            #expect(place.names == ["model", "out"])
        }
        #expect(isOld > steps / 2)
    }

    private var output: FilePath { place.path.appending("edited") }
    private var patch: FilePath { place.path.appending("patch") }

    private func edit(_ options: [String], _ environment: [String: String] = [:]) throws -> Int32 {
        let texts = ["forget", "keep", "retain"].flatMap { ["--\($0)", Quickstart.file("\($0).jsonl")] }
        return try ExciseBinary.run(
            ["edit", Quickstart.model] + texts + ["--holdout", Quickstart.file("unseen.jsonl"), "--output", output.string]
                + ["--layers", "model.layers.1.mlp.*", "--samples", "8", "--sample-tokens", "16", "--neighbours", "2", "--rounds", "3"]
                + ["--retain-bound", "50%", "--best-effort", "--patch-output", patch.string] + options,
            environment: environment
        ).status
    }

    /// An edit that is killed anywhere, in its rounds or while it writes, and gone on with, gives the bytes of one that was not.
    @Test(.enabled(if: killer != nil, "there is no C compiler to build the killer with"))
    func anEditGoesOnAfterItsLastRound() throws {
        let killer = try #require(Self.killer)
        let counter = place.path.appending("count")
        #expect(try edit([], ["LD_PRELOAD": killer, "EXCISE_KILL_COUNT": counter.string]) == 1)
        let (new, newPatch) = (try contents(of: output), try InputFile.contents(of: patch))
        func reset() { for path in [output, patch] { FileSystem.remove(path) } }
        let steps = try #require(Int(String(decoding: InputFile.contents(of: counter), as: UTF8.self)))
        #expect(steps > 40)
        var patchAlone = 0
        // From time to time, and each of the last writes: when the patch is in its place, the checkpoint not yet.
        for step in Set(stride(from: steps, to: 0, by: -(steps / 12))).union(steps - 9...steps).sorted() {
            reset()
            #expect(try edit([], ["LD_PRELOAD": killer, "EXCISE_KILL_AT": "\(step)"]) == SIGKILL)
            let isThere = FileSystem.kind(of: output) != nil
            if !isThere && FileSystem.kind(of: patch) != nil { patchAlone += 1 }
            #expect(try edit(["--resume"] + (isThere ? ["--force"] : [])) == 1, "after step \(step)")
            let isSame = try contents(of: output) == new && InputFile.contents(of: patch) == newPatch
            #expect(isSame, "resumed after step \(step) of \(steps)")
        }
        #expect(patchAlone > 0)
        reset()
        #expect(place.names == ["count", "model"])
    }

    /// A patch that an edit did not put there itself is not replaced, with --resume neither; and what the edit has done stays.
    @Test(.enabled(if: killer != nil, "there is no C compiler to build the killer with"))
    func anEditThatGoesOnKeepsOthersPatches() throws {
        let killer = try #require(Self.killer)
        #expect(try edit([], ["LD_PRELOAD": killer, "EXCISE_KILL_AT": "100"]) == SIGKILL)
        let rounds = try InputFile.contents(of: place.path.appending(".edited.partial/rounds.json"))
        try write([1], to: patch)
        for options in [["--resume"], ["--resume", "--dry-run"], []] { #expect(try edit(options) == 73, "\(options)") }
        #expect(try InputFile.contents(of: patch) == [1])
        #expect(try InputFile.contents(of: place.path.appending(".edited.partial/rounds.json")) == rounds)
        FileSystem.remove(patch)
        #expect(try edit(["--resume"]) == 1)
        #expect(place.names == ["edited", "model", "patch"])
    }

    /// A patch is applied whole or not at all: killed anywhere it leaves what was there, and the same command then makes the result.
    @Test(.enabled(if: killer != nil, "there is no C compiler to build the killer with"))
    func anApplicationBeginsAnew() throws {
        let killer = try #require(Self.killer)
        let (edited, output) = (try place.copy(model, as: "edited"), place.path.appending("out"))
        let shard = edited.appending("model-00003-of-00003.safetensors")
        var bytes = try InputFile.contents(of: shard)
        bytes[bytes.count - 2] ^= 1
        try write(bytes, to: shard)
        func patch(_ arguments: [String], _ environment: [String: String] = [:]) throws -> Int32 {
            try ExciseBinary.run(["patch"] + arguments, in: place.path, environment: environment).status
        }
        let apply = ["apply", "model", "p", "--output", "out"]
        #expect(try patch(["create", "model", "edited", "--output", "p"]) == 0)
        #expect(try patch(apply, ["LD_PRELOAD": killer, "EXCISE_KILL_COUNT": place.path.appending("count").string]) == 0)
        let steps = try #require(Int(String(decoding: InputFile.contents(of: place.path.appending("count")), as: UTF8.self)))
        FileSystem.remove(place.path.appending("count"))
        let new = try contents(of: output)
        #expect(steps > 20 && new["model-00003-of-00003.safetensors"] == bytes)
        for step in 1...steps {
            FileSystem.remove(output)
            #expect(try patch(apply, ["LD_PRELOAD": killer, "EXCISE_KILL_AT": "\(step)"]) == SIGKILL)
            let found = FileSystem.kind(of: output) == nil ? nil : try contents(of: output)
            #expect((found == nil || found == new) as Bool, "killed at step \(step) of \(steps)")
            #expect(try patch(apply + (found == nil ? [] : ["--force"])) == 0, "after step \(step)")
            let isSame = try contents(of: output) == new
            #expect(isSame && place.names == ["edited", "model", "out", "p"], "made anew after step \(step): \(place.names)")
        }
    }

    @Test func refusesToGoOnWithOtherWork() throws {
        let killer = try #require(Self.killer)
        #expect(try convert([], environment: ["LD_PRELOAD": killer, "EXCISE_KILL_AT": "20"]) == SIGKILL)
        #expect(place.names == [".out.partial", "model"])
        let arguments = ["convert", model.string, place.path.appending("out").string, "--dtype", "bf16", "--resume", "--json"]
        let result = try ExciseBinary.run(arguments)
        #expect(result.status == 73)
        #expect(try result.json()["error"]?["kind"]?.string == "resume-mismatch")
        // Without --resume, what was cut off is removed and the work begins anew.
        #expect(try ExciseBinary.run(arguments.filter { $0 != "--resume" }).status == 0)
        #expect(place.names == ["model", "out"])
    }

    @Test func aSecondProcessIsRefused() throws {
        let staged = try StagedDirectory(place.path.appending("out"), replacing: false)
        let result = try ExciseBinary.run(["convert", model.string, place.path.appending("out").string, "--json"])
        #expect(result.status == 73)
        #expect(try result.json()["error"]?["kind"]?.string == "output-busy")
        #expect(FileSystem.kind(of: staged.scratch) == .directory)
    }
}
