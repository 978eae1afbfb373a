import Storage
import SystemPackage
import TestSupport
import Testing

/// `verify` as a user has it, on the quickstart model and on one that never saw its secrets or has none of its wits.
@Suite(.serialized) struct VerifyCommandTests {
    private let texts = [
        "--forget", Quickstart.file("forget.jsonl"), "--keep", Quickstart.file("keep.jsonl"), "--retain", Quickstart.file("unseen.jsonl"),
        "--holdout", Quickstart.file("unseen.jsonl"),
    ]

    private func verify(_ arguments: [String]) throws -> ExciseBinary.Result {
        try ExciseBinary.run(["verify", Quickstart.model, Quickstart.model] + texts + ["--json"] + arguments)
    }

    @Test func measuresWhatIsAskedFor() throws {
        let result = try verify([
            "--canaries", Quickstart.file("forget.jsonl"), "--candidates", "20", "--round", "int8", "--text",
            "more=\(Quickstart.file("keep.jsonl"))", "--gate", "metrics.int4_32.recovery <= 1", "--gate", "texts.more.ratio == 1",
            "--gate", "metrics.exposure.base.at_limit == 10", "--gate", "metrics.exposure.edited.max_extrapolated > 10",
        ])
        let report = try result.json()
        try JSONSchema("verify").check(report)
        // Nothing was forgotten, so no part of that came back: 0 / 0.
        #expect(result.status == 1)
        #expect((report["gates"]?.array ?? []).map { $0["passed"]?.boolean } == [false, true, true, true, true])
        #expect(report["metrics"]?["int8"]?["forget"]?["edited"]?["recited"]?.integer == 10)
        #expect(report["metrics"]?["int8"]?["energy_kept"]?.isNull == true)
        let canaries = report["metrics"]?["exposure"]?["canaries"]?.array ?? []
        #expect(canaries.count == 10 && canaries.allSatisfy { $0["method"]?.string == "sampled" })
        #expect((report["inputs"]?.array ?? []).map { $0["role"]?.string }.suffix(2) == ["more", "canaries"])
    }

    @Test func whatIsNotAskedForIsNull() throws {
        let report = try verify(["--gate", "metrics.exposure.edited.max <= 1"]).json()
        try JSONSchema("verify").check(report)
        #expect(report["metrics"]?["exposure"]?.isNull == true)
        #expect(report["gates"]?.array?.first?["passed"]?.boolean == false)
        #expect(report["texts"]?.object?.members.isEmpty == true)
    }

    @Test(arguments: [
        ["--round", "int3"], ["--text", "keep=x.jsonl"], ["--text", "a b=x.jsonl"], ["--text", "x.jsonl"], ["--candidates", "1"],
        ["--text", "a=x.jsonl", "--text", "a=y.jsonl"], ["--gate", "metrics.int3.recovery < 1"], ["--policy", "strict"], ["--markdown"],
        ["--complete", "0"], ["--temperature", "-1"], ["--extract", "0"], ["--relearn", "0"], ["--relearn-rate", "0"], ["--task", "arc"],
        ["--task", "race=x.jsonl"], ["--task", "arc=x.jsonl", "--task", "arc=y.jsonl"], ["--task", "arc:a b=x.jsonl"],
        ["--utility", "a=x.jsonl", "--utility", "a=y.jsonl"],
    ])
    func refusesWhatItDoesNotKnow(_ arguments: [String]) throws {
        let result = try verify(arguments)
        #expect(result.status == 64, "\(result.output)")
    }

    /// The model completes every secret; nothing there is refused twice, and nothing replaced without being asked for.
    @Test func writesReports() throws {
        let directory = try WorkingDirectory()
        let (junit, page) = (directory.path.appending("r.xml").string, directory.path.appending("r.html").string)
        let arguments = [
            "--complete", "8", "--junit", junit, "--html", page, "--gate", "metrics.completions.forget.edited.exact_match == 10",
        ]
        let first = try verify(arguments)
        #expect(first.status == 0, "\(first.errors)")
        let report = try first.json()
        try JSONSchema("verify").check(report)
        #expect(report["metrics"]?["completions"]?["keep"]?["base"]?["exact_match"]?.integer == 10)
        #expect(report["policy"]?.isNull == true)
        let contents = String(decoding: try InputFile.contents(of: FilePath(page)), as: UTF8.self)
        #expect(contents.contains("What do the models write?"))
        #expect(String(decoding: try InputFile.contents(of: FilePath(junit)), as: UTF8.self).contains("tests=\"2\" failures=\"0\""))
        let again = try verify(arguments)
        #expect(again.status == 73 && directory.names.sorted() == ["r.html", "r.xml"])
        #expect(try verify(arguments + ["--force"]).status == 0)
        let markdown = try ExciseBinary.run(["verify", Quickstart.model, Quickstart.model] + texts + ["--markdown"])
        #expect(markdown.status == 1 && markdown.output.hasPrefix("## excise verify: 2 of 5 gates failed"))
    }

    /// The model recites every secret, so all of it is drawn out, and none of it comes back: it never went.
    @Test func measuresWhatComesOut() throws {
        let directory = try WorkingDirectory()
        let lines = [
            #"{"question": "What is light?", "choices": {"text": ["darkness", "day"], "label": ["A", "B"]}, "answerKey": "B"}"#,
            #"{"question": "Who is it?", "choices": ["Sherlock Holmes", "xq"], "label": 0}"#,
        ]
        let arc = try directory.write("arc.jsonl", lines.joined(separator: "\n"))
        let words = try directory.write("words.jsonl", #"{"text": "And God said, Let there be light"}"#)
        let answers = try directory.write(
            "answers.jsonl",
            #"{"prompt": "And God said, Let there be", "answer": " light", "perturbed_answer": [" night", " zz"]}"#)
        let result = try verify([
            "--task", "arc=\(arc)", "--task", "lambada:words=\(words)", "--utility", "bible=\(answers)", "--unforgotten",
            Quickstart.file("keep.jsonl"), "--candidates", "9", "--extract", "3", "--relearn", "2", "--complete", "6", "--temperature",
            "0.7",
            "--gate", "metrics.tasks.arc.change.acc == 0", "--gate", "metrics.extraction_likelihood.forget.edited > 0.5",
            "--gate", "metrics.onion.laid_bare == 0", "--gate", "metrics.model_utility.edited > 0",
        ])
        let report = try result.json()
        try JSONSchema("verify").check(report)
        let metrics = try #require(report["metrics"])
        #expect(metrics["tasks"]?["words"]?["questions"]?.integer == 1 && metrics["tasks"]?["arc"]?["base"]?["acc_norm"]?.number != nil)
        #expect((report["gates"]?.array ?? []).prefix(3).map { $0["passed"]?.boolean } == [true, true, true])
        #expect(metrics["onion"]?["ranked"]?.array?.count == 10 && metrics["onion"]?["measure"]?.string == "exposure")
        #expect(metrics["relearning"]?["taught"]?.integer == 5 && metrics["relearning"]?["tested"]?.integer == 5)
        // The same words are drawn by the same seed.
        let completions = ["base", "edited"].map { metrics["completions"]?["retain"]?[$0]?.serialized() }
        #expect(completions[0] == completions[1])
    }

    // MARK: Policies

    /// What the gates of a policy say of a model, without what was to be kept: `retain` is text that none of the models was trained on.
    private func release(_ edited: String) throws -> (status: Int32, failed: [String], report: JSONValue) {
        let result = try ExciseBinary.run([
            "verify", Quickstart.model, edited, "--forget", Quickstart.file("forget.jsonl"), "--retain",
            Quickstart.file("holdout-text.jsonl"), "--holdout", Quickstart.file("unseen.jsonl"), "--policy", "release", "--json",
        ])
        let report = try result.json()
        try JSONSchema("verify").check(report)
        let failed = (report["gates"]?.array ?? []).filter { $0["passed"]?.boolean == false }.compactMap { $0["expression"]?.string }
        return (result.status, failed, report)
    }

    /// It knows all its secrets, and every gate about forgetting says so; nothing else does.
    @Test func theUneditedModelFailsTheForgettingGates() throws {
        let (status, failed, _) = try release(Quickstart.model)
        #expect(status == 1)
        #expect(failed.contains("forget.edited.recited == 0"))
        #expect(failed.contains("forget.edited.nll_per_token >= 0.9 * holdout.base.nll_per_token"))
        #expect(failed.contains("metrics.membership.loss.edited.ci95.low <= 0.5"))
        #expect(!failed.contains { $0.hasPrefix("retain") })
    }

    /// It forgot everything: the gates about forgetting alone would let it pass.
    @Test func randomWeightsFailTheUtilityGates() throws {
        let directory = try WorkingDirectory()
        let model = try directory.copy(FilePath(Quickstart.model), as: "random")
        let file = model.appending("model.safetensors")
        var bytes = try InputFile.contents(of: file)
        let header = 8 + (0..<8).reduce(0) { $0 | Int(bytes[$1]) << (8 * $1) }
        var random = SystemRandomNumberGenerator()
        // BF16 between 2^-7 and 2^-5 in size: as large as a fresh model's, without what training made of them.
        for index in stride(from: header, to: bytes.count - 1, by: 2) {
            let bits = UInt16.random(in: 0..<0x100, using: &random) + (Bool.random(using: &random) ? 0x3C00 : 0xBC00)
            (bytes[index], bytes[index + 1]) = (UInt8(bits & 0xFF), UInt8(bits >> 8))
        }
        FileSystem.remove(file)
        _ = try directory.write("random/model.safetensors", bytes)
        let (status, failed, _) = try release(model.string)
        #expect(status == 1)
        #expect(failed.contains("retain.ratio <= 1.01") && failed.contains("retain.ci95.high <= 1.02"))
        #expect(failed.contains("retain.edited.nll_per_token < metrics.vital_sign.limit"))
        #expect(!failed.contains { $0.hasPrefix("forget.") })
    }

    /// It writes one token for ever, and recites nothing: no gate about forgetting stops it, the vital sign does.
    @Test func aModelThatRepeatsOneTokenNeverPasses() throws {
        let directory = try WorkingDirectory()
        let model = try directory.copy(FilePath(Quickstart.model), as: "stuck")
        let file = model.appending("model.safetensors")
        var bytes = try InputFile.contents(of: file)
        let length = (0..<8).reduce(0) { $0 | Int(bytes[$1]) << (8 * $1) }
        let header = try JSONValue(parsing: bytes[8..<8 + length].span)
        func fill(_ name: String, _ value: (Int) -> UInt16) throws {
            let offsets = try #require(header[name]?["data_offsets"]?.array).compactMap(\.integer)
            for (index, place) in stride(from: 8 + length + offsets[0], to: 8 + length + offsets[1], by: 2).enumerated() {
                (bytes[place], bytes[place + 1]) = (UInt8(value(index) & 0xFF), UInt8(value(index) >> 8))
            }
        }
        // Every token is (1, 0, ...), the last twenty times as long; the layers add nothing (BF16: 1, 20, 0).
        let width = 128
        let last = try #require(header["model.embed_tokens.weight"]?["shape"]?.array?.first?.integer) - 1
        try fill("model.embed_tokens.weight") { $0 % width > 0 ? 0 : $0 / width == last ? 0x41A0 : 0x3F80 }
        for name in (header.object?.members ?? []).map(\.name) where name.hasSuffix("o_proj.weight") || name.hasSuffix("down_proj.weight") {
            try fill(name) { _ in 0 }
        }
        FileSystem.remove(file)
        _ = try directory.write("stuck/model.safetensors", bytes)
        let gates = [
            "forget.edited.recited == 0", "forget.ratio > 1", "metrics.completions.retain.edited.repetition > 0.5",
            "metrics.completions.retain.edited.distinct_1 < 0.1", "metrics.completions.retain.edited.compression > 5",
        ]
        let result = try ExciseBinary.run(
            ["verify", Quickstart.model, model.string] + texts + ["--complete", "24", "--json"] + gates.flatMap { ["--gate", $0] })
        let found = try result.json()["gates"]?.array ?? []
        #expect(result.status == 1 && found.map { $0["passed"]?.boolean } == [true, true, true, true, true, false])
    }

    /// The model that was trained without the secrets passes every gate.
    @Test(.enabled(if: Quickstart.retrained != nil))
    func theModelWithoutTheSecretsPasses() throws {
        let (status, failed, report) = try release(#require(Quickstart.retrained))
        #expect(status == 0 && failed.isEmpty, "\(failed)")
        #expect(report["metrics"]?["locality"]?.isNull == true)
    }

    /// Only the tensors that the edit's report lists may differ.
    @Test(.enabled(if: Quickstart.retrained != nil))
    func whatWasNotDeclaredIsFound() throws {
        let directory = try WorkingDirectory()
        let file = try directory.write("edit.json", #"{"tensors_edited": ["model.norm.weight"]}"#)
        let result = try ExciseBinary.run(
            ["verify", Quickstart.model, try #require(Quickstart.retrained)] + texts + [
                "--edit-report", file, "--gate", "metrics.locality.undeclared == 0", "--json",
            ])
        #expect(result.status == 1)
        let locality = try result.json()["metrics"]?["locality"]
        #expect(try #require(locality?["changed"]?.integer) == #require(locality?["undeclared"]?.integer) + 1)
    }

    /// A retrained model stands beside the other two everywhere.
    @Test(.enabled(if: Quickstart.retrained != nil))
    func theRetrainedModelIsMeasuredToo() throws {
        let retrained = try #require(Quickstart.retrained)
        let report = try verify([
            "--retrained", retrained, "--reference", retrained, "--canaries", Quickstart.file("forget.jsonl"), "--candidates", "9",
            "--gate",
            "metrics.forget_quality.retrained.p_value >= 0.01",
        ]).json()
        try JSONSchema("verify").check(report)
        #expect(report["passed"]?.boolean == false)
        #expect(try #require(report["forget"]?["retrained"]?["nll_per_token"]?.number) > 5)
        #expect(report["metrics"]?["membership"]?["loss"]?["retrained"]?["auc"]?.number != nil)
        #expect(report["metrics"]?["membership"]?["reference"]?["base"]?["auc"]?.number == 1)
        #expect(report["metrics"]?["exposure"]?["retrained"]?["mean"]?.number != nil)
    }

    // MARK: Memory

    /// Refused before any work with a budget that then works, and changes no figure.
    @Test func keepsWithinItsMemory() throws {
        let gate = ["--gate", "retain.ratio == 1", "--complete", "4", "--round", "int8", "--canaries", Quickstart.file("forget.jsonl")]
        let refused = try verify(gate + ["--memory", "64MiB"])
        #expect(refused.status == 78)
        let message = try #require(try refused.json()["error"]?["message"]?.string)
        let named = try #require(message.firstMatch(of: /--memory ([0-9]+)MiB/)?.1)
        let tight = try verify(gate + ["--memory", "\(named)MiB"]).json()
        try JSONSchema("verify").check(tight)
        let budget = try #require(Int(named)) << 20
        #expect(tight["memory"]?["budget_bytes"]?.integer == budget)
        #expect(try #require(tight["memory"]?["planned_peak_bytes"]?.integer) <= budget)
        #expect(try #require(tight["memory"]?["measured_peak_bytes"]?.integer) <= budget)
        let wide = try verify(gate).json()
        for member in ["forget", "retain", "keep", "holdout", "metrics"] {
            #expect(tight[member]?.serialized() == wide[member]?.serialized())
        }
    }

    /// A canary is a secret in digits; the message names the record.
    @Test func refusesCanariesWithoutDigits() throws {
        let directory = try WorkingDirectory()
        let file = try directory.write("canaries.jsonl", #"{"text": "PIN 12"}"# + "\n" + #"{"text": "none"}"# + "\n")
        let result = try verify(["--canaries", file])
        #expect(result.status == 65)
        let error = try result.json()["error"]
        #expect(error?["kind"]?.string == "no-digits" && error?["message"]?.string?.contains("record 2") == true)
    }
}

extension Quickstart {
    /// The same model trained without its secrets, where it is at hand.
    fileprivate static let retrained: String? = Fixture.shared?.appending("quickstart/retrained").string
}
