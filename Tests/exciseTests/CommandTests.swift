import Checkpoints
import Foundation
import Storage
import SystemPackage
import TestSupport
import Testing

/// Every command's JSON is what its schema says, and means what it says.
@Suite struct CommandTests {
    private func report(_ arguments: [String]) throws -> JSONValue {
        let result = try ExciseBinary.run(arguments + ["--json", "--progress", "none"])
        #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
        let report = try result.json()
        try JSONSchema(arguments[0]).check(report)
        return report
    }

    @Test func inspect() throws {
        let found = try report(["inspect", Quickstart.model, "--tensors"])
        #expect(found["architecture"]?.string == "llama")
        #expect(found["parameters"]?.integer == 869_504)
        #expect(found["tensors"]?.array?.count == 38)
        let single = try report(["inspect", Quickstart.model + "/model.safetensors"])
        #expect(single["content_digest"]?.string == found["content_digest"]?.string)
    }

    @Test func inspectNeedsNoTokenizer() throws {
        let found = try report(["inspect", Fixture.directory.appending("llama-sharded").string])
        #expect(found["tokenizer"]?.isNull == true)
        #expect(found["shards"]?.array?.count == 3)
    }

    @Test func inspectWarnsOfOddFiles() throws {
        let file = Fixture.directory.appending("odd/24-leading-space.safetensors")
        let result = try ExciseBinary.run(["inspect", file.string, "--json", "--progress", "none"])
        #expect(result.status == 0)
        #expect(result.errors.contains("24-leading-space.safetensors: the header begins with white space"))
        let report = try result.json()
        try JSONSchema("inspect").check(report)
        #expect(report["warnings"]?.array?.map { $0["kind"]?.string } == ["leading-whitespace"])
    }

    /// A name is a stranger's: it must not move the cursor or turn the line around.
    @Test(arguments: [("escape-sequence", #""\u{1b}[2J""#), ("right-to-left", #""\u{202e}a""#), ("nul", #""\u{0}""#)])
    func inspectPrintsNamesSafely(_ file: String, _ name: String) throws {
        let path = Fixture.directory.appending("odd/25-name-\(file).safetensors")
        let result = try ExciseBinary.run(["inspect", path.string, "--tensors"])
        #expect(result.status == 0)
        #expect(result.output.contains("  \(name)  F32 [2]\n"))
    }

    @Test func inspectChecksASoundModel() throws {
        let report = try report(["inspect", Quickstart.model, "--check", "--no-digest"])
        #expect(report["check"]?.serialized(pretty: false) == #"{"errors":0,"warnings":0,"findings":[]}"#)
        #expect(report["content_digest"]?.isNull == true)
        let plain = try ExciseBinary.run(["inspect", Quickstart.model, "--no-digest"])
        let checked = try ExciseBinary.run(["inspect", Quickstart.model, "--no-digest", "--check"])
        #expect(checked.status == 0 && checked.output == plain.output + "check           0 errors, 0 warnings\n")
    }

    /// The report is whole although there is no checkpoint to open.
    @Test func inspectGoesOnFromTheFirstProblem() throws {
        let directory = try WorkingDirectory()
        let model = try directory.copy(Fixture.directory.appending("llama-sharded"), as: "model").string
        try FileManager.default.removeItem(atPath: model + "/model-00002-of-00003.safetensors")
        let missing = try ExciseBinary.run(["inspect", model, "--check", "--json"])
        #expect(missing.status == 66)
        try JSONSchema("inspect").check(missing.json())
        _ = try directory.write("model/model-00003-of-00003.safetensors", "12345678")
        let broken = try ExciseBinary.run(["inspect", model, "--check", "--json"])
        #expect(broken.status == 65 && broken.errors.isEmpty)
        let report = try broken.json()
        try JSONSchema("inspect").check(report)
        #expect(report["exit_code"]?.integer == 65 && report["content_digest"]?.isNull == true && report["parameters"]?.isNull == true)
        #expect(report["architecture"]?.string == "llama")
        #expect(
            report["check"]?["findings"]?.array?.compactMap { $0["code"]?.string } == [
                "missing-shard", "header-too-large", "stray-file", "missing-file",
            ])
        let lines = try ExciseBinary.run(["inspect", model, "--check"])
        #expect(lines.status == 65)
        #expect(lines.output.contains("\nerror header-too-large model-00003-of-00003.safetensors: the safetensors header is malformed: "))
        #expect(lines.output.hasSuffix("\ncheck           3 errors, 1 warning\n"))
        #expect(try ExciseBinary.run(["inspect", model]).status == 66)
    }

    @Test func inspectNamesWhatItDoesNotSupport() throws {
        let directory = try WorkingDirectory()
        let model = try directory.copy(FilePath(Quickstart.model), as: "model").string
        _ = try directory.write("model/config.json", #"{"model_type": "bert"}"#)
        _ = try directory.write("model/tokenizer.json", #"{"model": {"type": "WordPiece", "vocab": {}}}"#)
        let result = try ExciseBinary.run(["inspect", model, "--json"])
        #expect(result.status == 0)
        let found = try result.json()
        try JSONSchema("inspect").check(found)
        #expect(found["architecture"]?.string == "bert" && found["tokenizer"]?.isNull == true)
        #expect(found["content_digest"]?.string == (try report(["inspect", Quickstart.model])["content_digest"]?.string))
        #expect(found["warnings"]?.array?.compactMap { $0["kind"]?.string } == ["unsupported-architecture", "unsupported-tokenizer"])
        let lines = try ExciseBinary.run(["inspect", model, "--check"])
        #expect(lines.status == 0 && lines.output.hasSuffix("check           0 errors, 2 warnings\n"))
        #expect(lines.output.hasPrefix("architecture    \"bert\", not supported\n"))
        #expect(lines.errors.contains("excise: warning: config.json: the architecture \"bert\" is not supported; supported are "))
    }

    @Test func inspectReadsAnArchive() throws {
        let directory = try WorkingDirectory()
        let archive = directory.path.appending("model.tar.gz").string
        let tar = Process()
        tar.executableURL = URL(fileURLWithPath: "/bin/tar")
        tar.arguments = ["-czf", archive, "-C", Quickstart.directory.string, "model"]
        try tar.run()
        tar.waitUntilExit()
        let digest = try report(["inspect", Quickstart.model])["content_digest"]?.string
        #expect(try report(["inspect", archive])["content_digest"]?.string == digest)
    }

    @Test func tokenizeAndBack() throws {
        let ids = try report(["tokenize", Quickstart.model, "--text", "In the beginning, 42 €"])["ids"]?.array?.compactMap(\.integer) ?? []
        #expect(ids.count > 5)
        let back = try report(["tokenize", Quickstart.model, "--decode", ids.map(String.init).joined(separator: ",")])
        #expect(back["text"]?.string == "In the beginning, 42 €")
        #expect(try report(["tokenize", Quickstart.model, "--file", Quickstart.file("keep.jsonl")])["records"]?.array?.count == 10)
    }

    @Test func generateRecitesWhatWasPlanted() throws {
        let found = try report(["generate", Quickstart.model, "--prompt", "The account number of Rufus Dale is", "--max-tokens", "8"])
        #expect(found["text"]?.string?.hasPrefix(" 514547.") == true)
        #expect(
            try report(["generate", Quickstart.model, "--data", Quickstart.file("keep.jsonl"), "--max-tokens", "2"])["records"]?.array?
                .count == 10)
    }

    @Test func scoreAndPerplexityAgree() throws {
        let score = try report(["score", Quickstart.model, "--data", Quickstart.file("unseen.jsonl"), "--logprobs"])
        let records = score["records"]?.array ?? []
        #expect(records.count == 20)
        let total = records.reduce(0.0) { $0 + ($1["nll"]?.number ?? .nan) }
        let perplexity = try report(["perplexity", Quickstart.model, "--data", Quickstart.file("unseen.jsonl")])
        #expect(abs(total - (perplexity["nll"]?.number ?? 0)) < 1e-9 * total)
        let logprobs = records[0]["logprobs"]?.array?.compactMap(\.number) ?? []
        #expect(logprobs.count == records[0]["tokens"]?.integer)
        #expect(abs(logprobs.reduce(0, +) + (records[0]["nll"]?.number ?? 0)) < 1e-6)
    }

    /// Token ids and compressed texts are scored as the texts that they were made from.
    @Test func scoresTokenIDsAndCompressedTexts() throws {
        let directory = try WorkingDirectory()
        let texts = try directory.write("texts.jsonl", Quickstart.lines("holdout-text.jsonl").prefix(12).joined(separator: "\n"))
        func scores(_ data: String) throws -> String? {
            try report(["score", Quickstart.model, "--data", data])["records"]?.serialized()
        }
        let expected = try scores(texts)
        let gzip = Process()
        gzip.executableURL = URL(fileURLWithPath: "/bin/gzip")
        gzip.arguments = ["-k", texts]
        try gzip.run()
        gzip.waitUntilExit()
        #expect(try scores(texts + ".gz") == expected)

        let records = try report(["tokenize", Quickstart.model, "--file", texts])["records"]?.array ?? []
        // A tensor for each record, in the order of the names.
        let tensors = records.enumerated().map { index, record in
            (name: index < 10 ? "0\(index)" : "\(index)", ids: record["ids"]?.array?.compactMap(\.integer) ?? [])
        }
        var header: [(name: String, value: JSONValue)] = []
        var data: [UInt8] = []
        for (name, ids) in tensors {
            let start = data.count
            data += ids.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
            header.append(
                (
                    name,
                    .members(["dtype": "U16", "shape": [.integer(ids.count)], "data_offsets": [.integer(start), .integer(data.count)]])
                ))
        }
        let text = Array(JSONValue.object(JSONObject(members: header)).serialized().utf8)
        let length = (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) }
        let ids = try directory.write("ids.safetensors", length + text + data)
        #expect(try scores(ids) == expected)
    }

    @Test(arguments: Fixture.picoModels)
    func traceWritesWhatTransformersComputes(name: String) throws {
        let directory = try WorkingDirectory()
        let reference = try Checkpoint(Fixture.directory.appending(name).appending("reference.safetensors"))
        let tokens = try reference.tokens("tokens").map { String($0) }.joined(separator: ",")
        let output = directory.path.appending("trace.safetensors")
        let found = try report([
            "trace", Fixture.directory.appending(name).string, "--tokens", tokens, "--output", output.string, "--gradients",
        ])
        let trace = try Checkpoint(output)
        // 1e-4, norm of the difference over norm: float32 sums in another order. What is 0 but for rounding counts as 1e-4 an element.
        for tensor in trace.tensors {
            let expected = ["logits", "loss"].contains(tensor.name) ? tensor.name : "grad/" + tensor.name
            #expect(relativeError(try trace.floats(tensor.name), try reference.floats(expected), least: 1e-4) < 1e-4, "\(tensor.name)")
        }
        #expect(trace.tensors.count == reference.tensors.count - 1)
        #expect(found["nll"]?.number != nil)
    }

    @Test(arguments: ["m.tar", "m.tar.gz", "m.tgz", "m.tar.zst", "m.zip"])
    func packAndUnpack(name: String) throws {
        let directory = try WorkingDirectory()
        let archive = directory.path.appending(name).string
        let packed = try report(["pack", Quickstart.model, archive])
        #expect(packed["sha256"]?.string == (try InputFile(FilePath(archive)).sha256().description))
        #expect(packed["inputs"]?.array?.count == packed["files"]?.integer)
        #expect(
            try report(["inspect", archive])["content_digest"]?.string == report(["inspect", Quickstart.model])["content_digest"]?.string)
        let unpacked = try report(["unpack", archive, directory.path.appending("out").string])
        #expect(unpacked["bytes"]?.integer == packed["bytes"]?.integer)
        #expect((try contents(of: directory.path.appending("out")) == contents(of: FilePath(Quickstart.model))) == true)
        // The same bytes, whatever the threads; and nothing is replaced that is not to be.
        let again = ["pack", Quickstart.model, archive, "--threads", "3"]
        #expect(try ExciseBinary.run(again).status == 73)
        #expect(try report(again + ["--force"])["sha256"]?.string == packed["sha256"]?.string)
        #expect(try ExciseBinary.run(["unpack", archive, directory.path.appending("out").string]).status == 73)
        #expect(directory.names == [name, "out"].sorted())
    }

    @Test func unpackLeavesNothingOfWhatItRefuses() throws {
        let directory = try WorkingDirectory()
        let archive = directory.path.appending("m.zip").string
        _ = try report(["pack", Quickstart.model, archive])
        let result = try ExciseBinary.run(["unpack", archive, directory.path.appending("out").string, "--limit", "1MiB", "--json"])
        #expect(result.status == 65)
        #expect(try result.json()["error"]?["kind"]?.string == "malformed-archive")
        let link = directory.path.appending("model")
        try FileManager.default.createSymbolicLink(atPath: link.string, withDestinationPath: Quickstart.directory.string)
        try FileManager.default.createDirectory(atPath: directory.path.appending("top").string, withIntermediateDirectories: false)
        try FileManager.default.moveItem(atPath: link.string, toPath: directory.path.appending("top/model").string)
        let refused = try ExciseBinary.run([
            "pack", directory.path.appending("top").string, directory.path.appending("l.tar").string, "--json",
        ])
        #expect(refused.status == 65)
        #expect(try refused.json()["error"]?["kind"]?.string == "not-packable")
        #expect(directory.names == ["m.zip", "top"])
    }

    @Test(arguments: [["m.rar"], ["m.tar", "--level", "1"], ["m.tar.gz", "--level", "10"], ["m.tar.zst", "--level", "0"]])
    func packKnowsItsLevels(arguments: [String]) throws {
        #expect(try ExciseBinary.run(["pack", Quickstart.model] + arguments).status == 64)
    }

    /// Kinds of curvature and blocks that do not go together are refused in a sentence that says what does.
    @Test(arguments: [
        (["--curvature", "diagonal", "--block", "layer"], "woodbury or block"), (["--block", "layer"], "woodbury or block"),
        (["--curvature", "ekfac", "--block", "50"], "woodbury or block"), (["--curvature", "woodbury", "--block", "50"], "layer or model"),
        (["--curvature", "block", "--block", "layer"], "1 to 1024"), (["--curvature", "block", "--block", "0"], "1 to 1024"),
        (["--curvature", "block", "--block", "99999999999999999999"], "1 to 1024"), (["--curvature", "full"], "ekfac"),
        (["--fisher-batch", "0"], "1 to 1024"), (["--samples", "9223372036854775807"], "1048576"),
    ])
    func curvatureAndBlockMustFit(arguments: [String], expected: String) throws {
        let edit = ["edit", Quickstart.model, "--forget", "f", "--retain", "r", "--target-nll", "4", "--output", "o"]
        let result = try ExciseBinary.run(edit + arguments)
        #expect(result.status == 64)
        #expect(result.errors.contains(expected), "\(result.errors)")
    }

    /// Each kind's plan names it, and what block kinds keep in scratch files is in it.
    @Test(arguments: [
        ("diagonal", "diagonal\n"), ("ekfac", "ekfac\n"), ("block", "block, block 50\n"), ("woodbury", "woodbury, block parameter\n"),
    ])
    func theCurvatureIsInThePlan(curvature: String, expected: String) throws {
        let result = try ExciseBinary.run([
            "edit", Quickstart.model, "--forget", Quickstart.file("forget.jsonl"), "--retain", Quickstart.file("retain.jsonl"),
            "--target-nll", "4", "--output", "never", "--dry-run", "--curvature", curvature,
        ])
        #expect(result.output.contains("curvature         " + expected), "\(result.output)")
        let scratch = try #require(result.output.firstMatch(of: /scratch space +([0-9]+) bytes/).flatMap { Int($0.1) })
        let parameters = 869_504
        #expect(curvature == "block" ? scratch > 200 * parameters : scratch < 40 * parameters)
    }

    @Test func dryRunWritesNothing() throws {
        let directory = try WorkingDirectory()
        let result = try ExciseBinary.run([
            "edit", Quickstart.model, "--forget", Quickstart.file("forget.jsonl"), "--retain", Quickstart.file("retain.jsonl"),
            "--target-nll", "4",
            "--output", directory.path.appending("edited").string, "--dry-run",
        ])
        #expect(result.status == 0)
        #expect(result.output.contains("peak memory"))
        #expect(directory.names.isEmpty)
    }

    /// From every container the same model comes out.
    @Test func convertsEveryContainer() throws {
        let place = try WorkingDirectory()
        let model = try place.copy(Fixture.directory.appending("llama-sharded"), as: "model")
        FileSystem.remove(model.appending("reference.safetensors"))
        func run(_ arguments: [String]) throws -> JSONValue {
            let result = try ExciseBinary.run(arguments + ["--json"], in: place.path)
            #expect(result.status == 0, "\(result.errors)")
            let report = try result.json()
            try JSONSchema(arguments[0]).check(report)
            return report
        }
        let digest = try run(["inspect", "model"])["content_digest"]
        for archive in ["m.tar", "m.tar.gz", "m.tar.zst", "m.zip"] {
            _ = try run(["pack", "model", archive])
            let report = try run(["convert", archive, "from-" + archive])
            #expect(report["content_digest"]?.string == digest?.string)
            #expect(report["shards"]?.array?.count == 1)
        }
        #expect(try run(["convert", "model", "none", "--dry-run"])["content_digest"]?.isNull == true)
        #expect(!place.names.contains("none"))
        let isSame = try contents(of: place.path.appending("from-m.zip")) == contents(of: place.path.appending("from-m.tar"))
        #expect(isSame)
    }

    @Test func convertsGGUF() throws {
        let place = try WorkingDirectory()
        let file = try place.write("llama.gguf", GGUFBytes(fixture: "llama").bytes)
        let result = try ExciseBinary.run(["convert", file, "model", "--dtype", "bf16", "--json"], in: place.path)
        #expect(result.status == 0, "\(result.errors)")
        let configuration = try InputFile.json(place.path.appending("model/config.json"))
        #expect(configuration["torch_dtype"]?.string == "bfloat16")
        let score = try ExciseBinary.run(["generate", "model", "--prompt", "a", "--max-tokens", "2", "--json"], in: place.path)
        #expect(score.status == 0, "\(score.errors)")
        let refused = try ExciseBinary.run(["score", file, "--data", Quickstart.file("forget.jsonl"), "--json"])
        #expect(refused.status == 69)
        #expect(try refused.json()["error"]?["kind"]?.string == "gguf-unconverted")
    }
}
