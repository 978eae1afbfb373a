import Storage
import SystemPackage
import TestSupport
import Testing
import Verification

struct TruthRatiosTests {
    private func record(_ loss: Double) -> RecordScore {
        var record = RecordScore()
        (record.tokens, record.nll) = (3, 3 * loss)
        return record
    }

    /// NumPy's and SciPy's, by the formulas of open-unlearning.
    @Test func areTOFUs() throws {
        let reference = try VerificationFixture.json("truth-ratio")
        func ratios(_ model: String) throws -> [Double] {
            let expected = try #require(reference[model])
            let (paraphrases, perturbed) = (try #require(expected["paraphrase"]).numbers(), try #require(expected["perturbed"]?.array))
            let ratios = try zip(paraphrases, perturbed).map { paraphrase, perturbed in
                TruthRatios.ratio(paraphrase: record(paraphrase), perturbed: try perturbed.numbers().map(record))
            }
            #expect(try zip(ratios, #require(expected["ratios"]).numbers()).allSatisfy { abs($0 - $1) < 1e-9 * $1 })
            return ratios
        }
        let (edited, retrained) = (try ratios("edited"), try ratios("retrained"))
        let found = TruthRatios(base: edited, edited: edited, retrained: retrained)
        let (statistic, probability) = (try #require(reference["statistic"]?.number), try #require(reference["p_value"]?.number))
        #expect(abs(try #require(found.forgetQuality).statistic - statistic) < 1e-12)
        #expect(abs(try #require(found.forgetQuality).probability - probability) < 1e-12)

        func comparison() -> TextComparison {
            TextComparison(base: MadeScore.text([(1, 1, 0)]), edited: MadeScore.text([(1, 1, 0)]), seed: 1)
        }
        var findings = VerificationFindings(forget: comparison(), retain: comparison())
        findings.truthRatios = found
        let member = JSONValue.object(JSONObject(members: findings.members))["metrics"]?["truth_ratio"]
        for name in ["mean", "forget_score", "utility_score"] {
            let (value, expected) = (member?["edited"]?[name]?.number ?? -1, reference["edited"]?[name]?.number ?? -2)
            #expect(abs(value - expected) < 1e-9)
        }
        #expect(TruthRatios(base: [1], edited: [1], retrained: nil).forgetQuality == nil)
    }

    private let fields = PerturbedAnswers.Fields(prompt: "question", paraphrase: "p", perturbed: "w")

    @Test func readsAnswers() throws {
        try withScratchDirectory { directory in
            let path = directory.appending("answers.json")
            try write(Array("{\"question\":\"Q\",\"p\":\"A\",\"w\":[\"B\",\"C\"],\"x\":1}\r\n\n".utf8), to: path)
            let answers = try PerturbedAnswers.read(path, fields)
            #expect(answers.map(\.prompt) == ["Q"] && answers.map(\.paraphrase) == ["A"] && answers.map(\.perturbed) == [["B", "C"]])
        }
    }

    @Test(arguments: [
        ("", "no-records"), ("{", "json-syntax"), ("[]", "record-not-an-object"), (#"{"question":"Q","p":"A"}"#, "missing-fields"),
        (#"{"question":"Q","p":"A","w":"B"}"#, "field-not-a-string"), (#"{"question":"Q","p":"A","w":[]}"#, "empty-field"),
        (#"{"question":"Q","p":"A","w":["B",1]}"#, "field-not-a-string"), (#"{"question":"Q","p":"","w":["B"]}"#, "empty-field"),
        (#"{"p":"A","w":["B"]}"#, "missing-fields"),
    ])
    func refusesWhatIsNotThat(_ text: String, _ kind: String) throws {
        try withScratchDirectory { directory in
            let path = directory.appending("answers.json")
            try write(Array(text.utf8), to: path)
            let error = try #require(throws: TextRecordError.self) { try PerturbedAnswers.read(path, fields) }
            #expect(error.kind == kind)
        }
    }
}
