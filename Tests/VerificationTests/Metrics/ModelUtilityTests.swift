import Storage
import SystemPackage
import TestSupport
import Testing
import Verification

struct ModelUtilityTests {
    private func scores(_ values: [Double]) -> ModelUtility.Scores {
        ModelUtility.Scores(probability: values[0], rouge: values[1], truthRatio: values[2])
    }

    @Test func isTheHarmonicMean() throws {
        let reference = try VerificationFixture.json("utility")
        let sets = try #require(reference["sets"]?.array).map { scores(try $0.numbers()) }
        let utility = ModelUtility(sets: sets.enumerated().map { ("\($0.offset)", [$0.element, scores([0, 1, 1])]) })
        #expect(abs(utility.value(0) / (try #require(reference["harmonic_mean"]?.number)) - 1) < 1e-12)
        #expect(utility.value(1) == 0)
    }

    /// Of every question: with a paraphrase, and where the false answers are alternatives.
    @Test func questionsAreScoredAsTOFUDoes() throws {
        let reference = try VerificationFixture.json("utility")
        func losses(_ name: String) throws -> [Double] { try #require(reference[name]).numbers() }
        let (answer, paraphrase) = (try losses("answer"), try losses("paraphrase"))
        let perturbed = try #require(reference["perturbed"]?.array).map { try $0.numbers() }
        for index in answer.indices {
            func records(_ losses: [Double]) -> [RecordScore] { MadeScore.text(losses.map { (4, 4 * $0, 0) }).records }
            var answers = PerturbedAnswers(prompt: "q", answer: "a", paraphrase: "b", perturbed: ["c", "d", "e", "f"])
            let open = ModelUtility.Scores(answers, records([answer[index], paraphrase[index]] + perturbed[index]))
            #expect(abs(open.probability - (try losses("probability")[index])) < 1e-12)
            #expect(abs(open.truthRatio - (try losses("truth_ratio")[index])) < 1e-12)
            answers = PerturbedAnswers(prompt: "q", answer: "a", paraphrase: "a", perturbed: ["c", "d", "e", "f"])
            let choice = ModelUtility.Scores(answers, records([answer[index]] + perturbed[index]))
            #expect(abs(choice.probability - (try losses("choice_probability")[index])) < 1e-12)
            #expect(abs(choice.truthRatio - (try losses("choice_truth_ratio")[index])) < 1e-12)
        }
    }

    @Test func withoutAParaphraseTheAnswerStandsForIt() throws {
        func read(_ answer: String?) throws -> [PerturbedAnswers] {
            try withScratchDirectory { directory in
                let file = directory.appending("a.jsonl")
                try write(Array(#"{"prompt": "q", "answer": "a", "false": ["b"]}"#.utf8), to: file)
                return try PerturbedAnswers.read(file, .init(prompt: "prompt", paraphrase: "other", perturbed: "false", answer: answer))
            }
        }
        #expect(try read("answer").first?.everyAnswer.count == 2)
        #expect(throws: TextRecordError.self) { try read(nil) }
        #expect(throws: TextRecordError.self) { try read("none") }
    }
}
