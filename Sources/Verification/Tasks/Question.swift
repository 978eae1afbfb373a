package import SystemPackage

/// A question of a benchmark as lm-evaluation-harness asks it: how likely is each continuation of a context, and which one is right.
package struct Question: Sendable, Equatable {
    package let context: String
    /// Each begins with what parts it from the context.
    package let continuations: [String]
    /// The answers themselves, by whose length `acc_norm` divides.
    package let choices: [String]
    /// The place of the right one.
    package let answer: Int

    /// The harness's answers to choose from, parted from the context by a space.
    init(context: String, choices: [String], answer: Int) {
        (self.context, self.choices, self.answer) = (context, choices, answer)
        continuations = choices.map { " " + $0 }
    }

    /// A text whose last word is to be told: what stands behind its last space.
    init(lastWordOf text: String) {
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        context = words.dropLast().joined(separator: " ")
        choices = [String(words.last ?? "")]
        continuations = choices.map { " " + $0 }
        answer = 0
    }

    /// The questions of a file of JSON lines, at least one. Throws `TextRecordError`, and `answer` for one that has none of its choices.
    package static func read(_ path: FilePath, _ shape: TaskShape, _ fields: TaskFields = TaskFields()) throws -> [Question] {
        try RecordFields.read(path) { try shape.question($0, fields) }
    }
}
