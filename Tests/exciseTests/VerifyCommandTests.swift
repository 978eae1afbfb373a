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
        #expect((report["gates"]?.array ?? []).map { $0["passed"]?.boolean } == [false, true, true, true])
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
        ["--complete", "0"],
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
        #expect(String(decoding: try InputFile.contents(of: FilePath(junit)), as: UTF8.self).contains("tests=\"1\" failures=\"0\""))
        let again = try verify(arguments)
        #expect(again.status == 73 && directory.names.sorted() == ["r.html", "r.xml"])
        #expect(try verify(arguments + ["--force"]).status == 0)
        let markdown = try ExciseBinary.run(["verify", Quickstart.model, Quickstart.model] + texts + ["--markdown"])
        #expect(markdown.status == 1 && markdown.output.hasPrefix("## excise verify: 2 of 4 gates failed"))
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
        #expect(!failed.contains { $0.hasPrefix("forget.") })
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
