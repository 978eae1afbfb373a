import Checkpoints
import Foundation
import Storage
import SystemPackage
import TestSupport
import Testing

/// `patch` as a user has it, on the quickstart model and one of which some weights were changed by hand.
@Suite struct PatchCommandTests {
    private let place: WorkingDirectory
    private let edited: FilePath

    init() throws {
        place = try WorkingDirectory()
        edited = try place.copy(FilePath(Quickstart.model), as: "edited")
        let path = edited.appending("model.safetensors")
        let norm = try #require(Checkpoint(edited).tensor(named: "model.norm.weight"))
        var bytes = try InputFile.contents(of: path)
        for index in 0..<norm.byteCount / 4 { bytes[norm.offset + 4 * index] ^= 3 }
        try write(bytes, to: path)
    }

    private func patch(_ arguments: String...) throws -> ExciseBinary.Result {
        try ExciseBinary.run(["patch"] + arguments + ["--progress", "none"], in: place.path)
    }

    private func report(_ result: ExciseBinary.Result) throws -> JSONValue {
        #expect(result.status == 0, "\(result.errors)")
        let report = try result.json()
        try JSONSchema("patch").check(report)
        return report
    }

    /// What `edit --patch-output` writes makes the edited checkpoint of the base, file for file.
    @Test func anEditIsItsPatch() throws {
        let texts = ["forget", "keep", "retain"].flatMap { ["--\($0)", Quickstart.file("\($0).jsonl")] }
        let edit = try ExciseBinary.run(
            ["edit", Quickstart.model] + texts + ["--holdout", Quickstart.file("unseen.jsonl"), "--layers", "1", "--roles", "feed-forward"]
                + [
                    "--samples", "8", "--sample-tokens", "16", "--neighbours", "2", "--rounds", "2", "--retain-bound", "50%",
                    "--best-effort",
                ]
                + ["--output", "made", "--patch-output", "made.safetensors", "--json"], in: place.path)
        #expect(edit.status == 1, "\(edit.errors)")
        let report = try edit.json()
        try JSONSchema("edit").check(report)
        let file = try InputFile(place.path.appending("made.safetensors"))
        #expect(try report["patch_file_sha256"]?.string == file.sha256().description)
        _ = try self.report(patch("apply", Quickstart.model, "made.safetensors", "--output", "applied", "--json"))
        for name in try FileSystem.names(in: place.path.appending("made")) {
            let (made, applied) = (
                try InputFile.contents(of: place.path.appending("made").appending(name)),
                try InputFile.contents(of: place.path.appending("applied").appending(name))
            )
            #expect((made == applied) as Bool, "\(name)")
        }
    }

    @Test func leadsThereAndBackByteForByte() throws {
        let created = try report(patch("create", Quickstart.model, "edited", "--output", "p.safetensors", "--json"))
        #expect(created["counts"]?["changed"]?.integer == 1 && created["counts"]?["unchanged"]?.integer == 37)
        #expect(created["tensors"]?.array?.compactMap { $0["name"]?.string } == ["model.norm.weight"])
        let applied = try report(patch("apply", Quickstart.model, "p.safetensors", "--output", "again", "--json"))
        #expect(applied["content_digest"]?.string == created["result_content_digest"]?.string)
        _ = try report(patch("apply", "again", "p.safetensors", "--reverse", "--output", "base", "--json"))
        let isForward = try contents(of: place.path.appending("again")) == contents(of: edited)
        let isBack = try contents(of: place.path.appending("base")) == contents(of: FilePath(Quickstart.model))
        #expect(isForward && isBack)
        let half = try report(patch("apply", Quickstart.model, "p.safetensors", "--scale", "0.5", "--output", "half", "--json"))
        let inspected = try ExciseBinary.run(["inspect", "half", "--json"], in: place.path).json()
        #expect(inspected["content_digest"]?.string == half["content_digest"]?.string && inspected["edits"]?.array?.count == 1)
    }

    /// By a low rank the result is near, which the report says; a vector is kept to the bit all the same.
    @Test func keepsALowRank() throws {
        let created = try report(patch("create", Quickstart.model, "edited", "--rank", "1", "--output", "p.safetensors", "--json"))
        #expect(created["lossless"]?.boolean == true && created["tensors"]?.array?.first?["rank"]?.isNull == true)
        let path = edited.appending("model.safetensors")
        let matrix = try #require(Checkpoint(edited).tensors.first { $0.shape.count == 2 && $0.shape[0] > 100 })
        var bytes = try InputFile.contents(of: path)
        for index in 0..<300 { bytes[matrix.offset + 2 * index] ^= UInt8(1 + index % 7) }
        try write(bytes, to: path)
        let low = try report(patch("create", Quickstart.model, "edited", "--rank", "1", "--output", "l.safetensors", "--json"))
        #expect(low["lossless"]?.boolean == false && low["result_content_digest"]?.string != low["inputs"]?.array?.last?["sha256"]?.string)
        let applied = try report(patch("apply", Quickstart.model, "l.safetensors", "--output", "near", "--json"))
        #expect(applied["content_digest"]?.string == low["result_content_digest"]?.string)
        #expect(try patch("apply", "near", "l.safetensors", "--reverse", "--output", "x").status == 69)
        #expect(try patch("create", Quickstart.model, "edited", "--rank", "0", "--output", "x").status == 64)
        #expect(try patch("show", "l.safetensors").output.contains("not lossless    1 tensors by a low rank"))
    }

    @Test func showsWhatItWouldChange() throws {
        _ = try patch("create", Quickstart.model, "edited", "--output", "p.safetensors")
        #expect(try report(patch("show", "p.safetensors", Quickstart.model, "--json"))["model_is"]?.string == "base")
        #expect(try report(patch("show", "p.safetensors", "edited", "--json"))["model_is"]?.string == "result")
        let shown = try patch("show", "p.safetensors")
        #expect(shown.output.contains("\n\"model.norm.weight\"  changed   BF16"), "\(shown.output)")
        let other = try patch("show", "p.safetensors", Fixture.directory.appending("llama-bf16").string, "--json")
        #expect(other.status == 76)
        try JSONSchema("error").check(other.json())
    }

    @Test func composesInOneOrder() throws {
        _ = try patch("create", Quickstart.model, "edited", "--output", "p.safetensors")
        _ = try patch("create", "edited", Quickstart.model, "--output", "q.safetensors")
        #expect(
            try report(patch("compose", "p.safetensors", "q.safetensors", "--output", "c", "--json"))["tensors"]?.array?.isEmpty == true)
        _ = try patch("apply", Quickstart.model, "p.safetensors", "--scale", "0.5", "--output", "half")
        _ = try patch("create", "half", "edited", "--output", "h.safetensors")
        let wrong = try patch("compose", "h.safetensors", "q.safetensors", "--output", "c", "--force")
        #expect(wrong.status == 0)
        #expect(try patch("compose", "q.safetensors", "h.safetensors", "--output", "d").status == 76)
    }

    /// 76 and the tensor's name, and nothing on disk has changed.
    @Test func whatDoesNotMatchIsNamed() throws {
        _ = try patch("create", Quickstart.model, "edited", "--output", "p.safetensors")
        let names = place.names
        for arguments in [["edited"], [Quickstart.model, "--reverse"]] {
            let result = try ExciseBinary.run(
                ["patch", "apply", arguments[0], "p.safetensors", "--output", "x"] + arguments.dropFirst(), in: place.path)
            #expect(result.status == 76 && result.errors.contains("\"model.norm.weight\""), "\(result.errors)")
        }
        var bytes = try InputFile.contents(of: place.path.appending("p.safetensors"))
        bytes[bytes.count - 1] ^= 1
        try write(bytes, to: place.path.appending("damaged.safetensors"))
        #expect(try patch("apply", Quickstart.model, "damaged.safetensors", "--output", "x").status == 76)
        FileSystem.remove(place.path.appending("damaged.safetensors"))
        #expect(try patch("apply", Quickstart.model, Quickstart.model + "/model.safetensors", "--output", "x").status == 65)
        #expect(try patch("apply", Quickstart.model, "nowhere", "--output", "x").status == 66)
        #expect(try patch("apply", Quickstart.model, "p.safetensors", "--output", "edited").status == 73)
        #expect(try patch("create", Quickstart.model, "edited", "--output", "p.safetensors").status == 73)
        #expect(try patch("create", Quickstart.model, Fixture.directory.appending("llama-bf16").string, "--output", "x").status == 69)
        for wrong in [["--scale", "nan"], ["--scale", "0.5", "--reverse"], ["--scale", "half"]] {
            #expect(try ExciseBinary.run(["patch", "apply", Quickstart.model, "p", "--output", "x"] + wrong, in: place.path).status == 64)
        }
        #expect(place.names == names)
    }

    /// Other files that differ are not carried, and are told of.
    @Test func tellsOfWhatItLeavesOut() throws {
        try write([0x7B, 0x7D], to: edited.appending("generation_config.json"))
        let result = try patch("create", Quickstart.model, "edited", "--output", "p.safetensors", "--json")
        #expect(try report(result)["files_left_out"]?.array?.compactMap(\.string) == ["generation_config.json"])
        #expect(result.errors.contains("generation_config.json"))
    }
}
