import Foundation
import Storage
import SystemPackage
import TestSupport
import Testing

/// Whatever is wrong with the input: the exit code of the contract, one sentence that names the place, and nothing written.
@Suite struct MalformedInputTests {
    /// Runs an edit that must be refused, and checks that it was and that it left nothing.
    private func refuse(
        _ model: String, forget: String? = nil, _ options: [String] = [], status: Int32, kind: String, naming words: [String]
    ) throws {
        let place = try WorkingDirectory()
        let result = try ExciseBinary.run(
            [
                "edit", model, "--forget", forget ?? Quickstart.file("forget.jsonl"), "--retain", Quickstart.file("keep.jsonl"),
                "--target-nll", "4",
                "--output", place.path.appending("edited").string, "--json",
            ] + options)
        #expect(result.status == status, "\(result.errors)")
        let report = try result.json()
        try JSONSchema("error").check(report)
        #expect(report["error"]?["kind"]?.string == kind)
        for word in words { #expect(result.errors.contains(word), "\(result.errors)") }
        #expect(place.names.isEmpty)
    }

    private func model(_ directory: WorkingDirectory, like name: String? = nil) throws -> FilePath {
        try directory.copy(name.map { Fixture.directory.appending($0) } ?? Quickstart.directory.appending("model"), as: "model")
    }

    private func replace(_ path: FilePath, _ change: (inout Data) -> Void) throws {
        let url = URL(fileURLWithPath: path.string)
        var data = try Data(contentsOf: url)
        change(&data)
        try data.write(to: url)
    }

    @Test func aTruncatedFile() throws {
        let directory = try WorkingDirectory()
        let model = try model(directory)
        try replace(model.appending("model.safetensors")) { $0.removeLast(1000) }
        try refuse(model.string, status: 65, kind: "truncated-file", naming: ["model.safetensors"])
    }

    @Test func aWrongOffset() throws {
        let directory = try WorkingDirectory()
        let model = try model(directory)
        try replace(model.appending("model.safetensors")) { data in
            let text = String(decoding: data.prefix(8000), as: UTF8.self)
            let start = text.utf8.distance(from: text.utf8.startIndex, to: text.range(of: "data_offsets\":[0,")!.upperBound)
            // The first tensor's end: one digit changed.
            data[8 + start - 8] ^= 1
        }
        try refuse(model.string, status: 65, kind: "size-mismatch", naming: ["model.safetensors", "tensor"])
    }

    @Test func aMissingShard() throws {
        let directory = try WorkingDirectory()
        let model = try model(directory, like: "llama-sharded")
        _ = try directory.copy(Quickstart.directory.appending("model/tokenizer.json"), as: "model/tokenizer.json")
        FileSystem.remove(model.appending("model-00002-of-00003.safetensors"))
        try refuse(model.string, status: 66, kind: "missing-shard", naming: ["model-00002-of-00003.safetensors"])
    }

    @Test func anUnknownArchitecture() throws {
        let directory = try WorkingDirectory()
        let model = try model(directory)
        try replace(model.appending("config.json")) { data in
            data = Data(String(decoding: data, as: UTF8.self).replacingOccurrences(of: "\"llama\"", with: "\"mamba\"").utf8)
        }
        try refuse(model.string, status: 69, kind: "unsupported-architecture", naming: ["config.json", "mamba", "llama"])
    }

    @Test func aTokenizerThatDoesNotFit() throws {
        let directory = try WorkingDirectory()
        let model = try model(directory, like: "llama-tied-gqa")
        _ = try directory.copy(Quickstart.directory.appending("model/tokenizer.json"), as: "model/tokenizer.json")
        try refuse(model.string, status: 65, kind: "tokenizer-mismatch", naming: ["tokenizer.json", "1023", "61"])
    }

    @Test func aBadLineInTheForgetFile() throws {
        let directory = try WorkingDirectory()
        let forget = try directory.write("forget.jsonl", "{\"text\": \"one\"}\n{\"text\": 2}\n")
        try refuse(Quickstart.model, forget: forget, status: 65, kind: "field-not-a-string", naming: ["forget.jsonl", "2"])
    }

    @Test func tokenIDsOfAnotherModel() throws {
        let directory = try WorkingDirectory()
        let header = "{'descr': '<u2', 'fortran_order': False, 'shape': (2, 2), }"
        let forget = try directory.write(
            "ids.npy", [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0] + Array(header.utf8) + [1, 0, 2, 0, 3, 0, 0, 5])
        try refuse(
            Quickstart.model, forget: forget, status: 65, kind: "token-out-of-range", naming: ["ids.npy", "record 2", "1280", "1024"])
    }

    @Test func nothingThere() throws {
        try refuse("/nowhere/at/all", status: 66, kind: "missing-file", naming: ["/nowhere/at/all"])
        try refuse(Quickstart.model, forget: "/nowhere/forget.jsonl", status: 66, kind: "missing-file", naming: ["/nowhere/forget.jsonl"])
    }

    @Test func aBudgetThatCannotBeMet() throws {
        try refuse(Quickstart.model, ["--memory", "20MiB"], status: 78, kind: "over-budget", naming: ["20 MiB", "--memory"])
    }

    @Test func outputThatExists() throws {
        let place = try WorkingDirectory()
        let existing = try place.write("edited", "mine")
        let result = try ExciseBinary.run([
            "edit", Quickstart.model, "--forget", Quickstart.file("forget.jsonl"), "--retain", Quickstart.file("keep.jsonl"),
            "--target-nll", "4",
            "--output", existing,
        ])
        #expect(result.status == 73)
        #expect(result.errors.contains("--force"))
        #expect(String(decoding: try InputFile.contents(of: FilePath(existing)), as: UTF8.self) == "mine")
    }

    @Test(arguments: [
        ["edit", "model"], ["no-such-command"],
        ["perplexity", Quickstart.model, "--data", Quickstart.file("keep.jsonl"), "--protocol", "hf-sliding"],
        [
            "verify", Quickstart.model, Quickstart.model, "--forget", Quickstart.file("keep.jsonl"), "--retain",
            Quickstart.file("keep.jsonl"), "--gate",
            "retain.rate < 2",
        ],
        [
            "edit", Quickstart.model, "--forget", Quickstart.file("keep.jsonl"), "--retain", Quickstart.file("keep.jsonl"), "--output", "x",
            "--memory",
            "much",
        ],
    ])
    func wrongUsage(arguments: [String]) throws {
        let result = try ExciseBinary.run(arguments)
        #expect(result.status == 64, "\(result.errors)")
        #expect(!result.errors.isEmpty)
    }
}
