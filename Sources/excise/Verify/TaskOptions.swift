internal import ArgumentParser
internal import SystemPackage
internal import Verification

/// Benchmarks that the models answer.
struct TaskOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Questions in JSON lines, scored as lm-evaluation-harness does: SHAPE is \(TaskShape.allCases.map(\.rawValue).joined(separator: ", ")).",
            valueName: "shape[:name]=file"))
    var task: [TaskFile] = []
    @Option(help: "The field of --task with the question, or with the text whose last word is asked for.") var questionField: String?
    @Option(help: "The field of --task with the choices.") var choicesField: String?
    @Option(help: "The field of --task with the answer: its number from 0, its label or letter, or itself.") var answerField: String?

    func validate() throws {
        guard Set(task.map(\.name)).count == task.count else {
            throw ValidationError("Two --task have the same name: give them others, as in arc:easy=FILE.")
        }
    }

    func read(_ encoder: RecordEncoder) throws -> [TaskExamples] {
        let fields = TaskFields(question: questionField, choices: choicesField, answer: answerField)
        return try task.map { task in
            let questions = try Question.read(FilePath(task.path), task.shape, fields)
            return try TaskExamples(questions, task.shape, named: task.name, path: task.path, encoder)
        }
    }
}

/// SHAPE=FILE or SHAPE:NAME=FILE.
struct TaskFile: ExpressibleByArgument {
    let shape: TaskShape
    let name: String
    let path: String

    init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { return nil }
        let head = parts[0].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let shape = TaskShape(rawValue: head[0]), NamedFile.isName(head[head.count - 1]) else { return nil }
        (self.shape, name, path) = (shape, head[head.count - 1], parts[1])
    }
}
