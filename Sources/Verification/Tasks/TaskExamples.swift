internal import Checkpoints
internal import Storage
internal import Tokenizers
package import Transformer

/// A task's questions, encoded.
package struct TaskExamples: Sendable {
    package let name: String
    let shape: TaskShape
    let questions: [Question]
    /// Of each question, its continuations.
    package let examples: [[Example]]

    /// `path` is what messages call it. Throws where a question has nothing to score.
    package init(_ questions: [Question], _ shape: TaskShape, named name: String, path: String, _ encoder: RecordEncoder) throws {
        (self.name, self.shape, self.questions) = (name, shape, questions)
        var text = encoder.textEncoder()
        examples = try questions.enumerated().map { index, question in
            try encoder.examples(question, by: &text, VerificationError.nothingToScore(path, record: index))
        }
    }

    /// How many tokens of each continuation go through a model.
    var lengths: [Int] { examples.flatMap { $0.flatMap { $0.windows.map(\.inputs.count) } } }
}

extension Verification {
    /// How many questions every model answers.
    package func result(of task: TaskExamples) throws -> TaskResult {
        let accuracies = try verifier.models.map { model in
            progress.begin("answering \(task.questions.count) questions of \(task.name) with \(model.path)")
            return TaskAccuracy(task.questions, task.shape, try verifier.scorer(model).score(task.examples, progress: progress.advance))
        }
        return TaskResult(name: task.name, shape: task.shape, accuracies, seed: seed)
    }
}
