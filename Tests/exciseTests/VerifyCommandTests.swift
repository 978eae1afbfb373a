import Storage
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
        ["--text", "a=x.jsonl", "--text", "a=y.jsonl"], ["--gate", "metrics.int3.recovery < 1"],
    ])
    func refusesWhatItDoesNotKnow(_ arguments: [String]) throws {
        let result = try verify(arguments)
        #expect(result.status == 64, "\(result.output)")
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
