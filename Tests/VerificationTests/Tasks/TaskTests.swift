import Storage
import SystemPackage
import TestSupport
import Testing
import Transformer
import Verification

/// Benchmarks as lm-evaluation-harness asks and scores them (tasks.json).
struct TaskTests {
    private struct Case {
        let shape: TaskShape
        let question: Question
        let value: JSONValue
    }

    private func questions(_ text: String, _ shape: TaskShape) throws -> [Question] {
        try withScratchDirectory { directory in
            try write(Array(text.utf8), to: directory.appending("q.jsonl"))
            return try Question.read(directory.appending("q.jsonl"), shape)
        }
    }

    private func cases() throws -> [Case] {
        try #require(VerificationFixture.json("tasks")["cases"]?.array).map { value in
            let shape = try #require(TaskShape(rawValue: value["shape"]?.string ?? ""))
            let line = try #require(value["line"]?.string)
            let question = try #require(try questions(line, shape).first)
            return Case(shape: shape, question: question, value: value)
        }
    }

    @Test func questionsAreTheHarnesss() throws {
        for each in try cases() {
            #expect(each.question.context == each.value["context"]?.string)
            #expect(each.question.choices == each.value["choices"]?.array?.compactMap(\.string))
            #expect(each.question.continuations == each.question.choices.map { " " + $0 })
            #expect(each.question.answer == each.value["answer"]?.integer)
        }
    }

    private func scores(_ logs: [Double]) -> TextScore { MadeScore.text(logs.map { (1, -$0, 0) }) }

    @Test func accuraciesAreTheHarnesss() throws {
        let reference = try VerificationFixture.json("tasks")
        var (questions, texts): ([Question], [TextScore]) = ([], [])
        for each in try cases() where each.shape != .lambada {
            for draw in try #require(each.value["draws"]?.array) {
                let score = scores(try #require(draw["log_likelihoods"]).numbers())
                let accuracy = TaskAccuracy([each.question], each.shape, [score])
                #expect(accuracy.isRight.first == draw["acc"]?.boolean)
                #expect(accuracy.isRightByCharacters?.first == draw["acc_norm"]?.boolean)
                #expect(accuracy.isRightByBytes?.first == draw["acc_bytes"]?.boolean)
                questions.append(each.question)
                texts.append(score)
            }
        }
        let all = TaskAccuracy(questions, .arc, texts)
        #expect(abs(all.accuracy - (try #require(reference["acc"]?.number))) < 1e-12)
        #expect(abs(all.perplexity / (try #require(reference["perplexity"]?.number)) - 1) < 1e-12)
    }

    /// A last word is right where every token of it is the likeliest.
    @Test func aLastWordMustBeWritten() throws {
        let questions = try cases().filter { $0.shape == .lambada }.map(\.question)
        let accuracy = TaskAccuracy(questions, .lambada, [MadeScore.text([(2, 1, 2)]), MadeScore.text([(2, 0.1, 1)])])
        #expect(accuracy.isRight == [true, false] && accuracy.isRightByBytes == nil)
    }

    @Test func modelsAreComparedQuestionByQuestion() throws {
        let question = try #require(try cases().first?.question)
        let (right, wrong) = (scores([-2, -1]), scores([-1, -2]))
        let base = TaskAccuracy([question, question, question], .arc, [right, right, wrong])
        let edited = TaskAccuracy([question, question, question], .arc, [right, wrong, right])
        let result = TaskResult(name: "x", shape: .arc, [base, edited], seed: 1)
        #expect(result.gained == 1 && result.lost == 1 && result.retrained == nil)
        let interval = try #require(result.interval)
        #expect(interval.low < 0 && interval.high > 0)
    }

    // MARK: Tokens

    private func examples(_ question: String, context: Int? = nil, prefix: Prefix = .automatic) throws -> [Prediction] {
        let task = try TaskExamples(
            questions(question, .lambada), .lambada, named: "q", path: "q", PicoTokenizer.encoder(prefix: prefix, context: context))
        return Prediction.all(of: task.examples.flatMap { $0.flatMap(\.windows) })
    }

    /// The pico tokenizer has no token for a space: `ab cd` is the letters alone.
    @Test func onlyTheContinuationIsScored() throws {
        let text = #"{"text": "ab cd"}"#
        #expect(try examples(text).map(\.description) == ["[1, 10, 11] -> 12", "[1, 10, 11, 12] -> 13"])
        #expect(try examples(text, prefix: .none).map(\.description) == ["[10, 11] -> 12", "[10, 11, 12] -> 13"])
        // Of a long context the end is kept.
        #expect(try examples(text, context: 3).map(\.description) == ["[10, 11] -> 12", "[10, 11, 12] -> 13"])
    }

    // MARK: Damage

    @Test(arguments: [
        (TaskShape.arc, #"{"question": "q", "choices": ["a", "b"], "label": 2}"#), (.arc, #"{"question": "q", "choices": [], "label": 0}"#),
        (.arc, #"{"question": "q", "choices": {"text": ["a"]}, "label": 0}"#),
        (.arc, #"{"question": "q", "choices": ["a", 1], "label": 0}"#),
        (.piqa, #"{"goal": "q", "sol1": "a", "sol2": "b", "label": -1}"#), (.piqa, #"{"goal": "q", "sol1": "a", "label": 0}"#),
        (.mathqa, #"{"Problem": "q", "options": "none", "correct": "a"}"#),
        (.mmlu, #"{"question": "q", "choices": ["a", "b"], "answer": "C"}"#),
        (.mmlu, #"{"question": "q", "choices": ["a"], "answer": null}"#), (.lambada, #"{"text": ""}"#), (.lambada, "[]"), (.lambada, "{"),
        (.lambada, "\n"),
    ])
    func refusesWhatIsNoQuestion(_ shape: TaskShape, _ line: String) throws {
        let error = try #require(throws: (any Error).self) { try questions(line, shape) }
        let diagnosed = try #require(error as? any DiagnosedError)
        #expect(diagnosed.fault == .malformedInput && diagnosed.description.contains("q.jsonl"))
    }
}
