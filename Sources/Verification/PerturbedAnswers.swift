package import Storage
package import SystemPackage

/// A question, its true answer in other words, and false answers of the same form: TOFU's perturbed files.
package struct PerturbedAnswers: Sendable, Equatable {
    package let prompt: String
    /// The true answer; nil where it was not asked for.
    package let answer: String?
    /// The true answer in other words; as it is, where the false ones are alternatives to choose from.
    package let paraphrase: String
    package let perturbed: [String]

    package init(prompt: String, answer: String? = nil, paraphrase: String, perturbed: [String]) {
        (self.prompt, self.answer, self.paraphrase, self.perturbed) = (prompt, answer, paraphrase, perturbed)
    }

    /// The names of the fields that hold them.
    package struct Fields: Sendable {
        package let prompt: String
        package let paraphrase: String
        package let perturbed: String
        /// Nil: the true answer itself is not read.
        package let answer: String?

        package init(prompt: String, paraphrase: String, perturbed: String, answer: String? = nil) {
            (self.prompt, self.paraphrase, self.perturbed, self.answer) = (prompt, paraphrase, perturbed, answer)
        }
    }

    /// The records of a file of JSON lines, at least one. Throws `TextRecordError`.
    package static func read(_ path: FilePath, _ fields: Fields) throws -> [PerturbedAnswers] {
        try RecordFields.read(path) { record in
            // Without a paraphrase the false answers are alternatives to the answer itself.
            let answer = try fields.answer.map { name throws in try record.text(name) }
            let paraphrase = answer != nil && !record.has(fields.paraphrase) ? answer : nil
            return PerturbedAnswers(
                prompt: try record.text(fields.prompt), answer: answer, paraphrase: try paraphrase ?? record.text(fields.paraphrase),
                perturbed: try record.texts(fields.perturbed))
        }
    }

    /// Whether the false answers are alternatives to choose from.
    var isChoice: Bool { answer == paraphrase }

    /// As it is, where it was read.
    var trueAnswer: String { answer ?? paraphrase }

    /// The true answer, in other words where there are such, and the false ones, each after the prompt.
    package var everyAnswer: [TextRecord] {
        ((isChoice ? [] : [trueAnswer]) + [paraphrase] + perturbed).map { .completion(prompt: prompt, completion: $0) }
    }

    /// The paraphrase, then the false answers, each after the prompt.
    package var candidates: [TextRecord] { ([paraphrase] + perturbed).map { .completion(prompt: prompt, completion: $0) } }
}
