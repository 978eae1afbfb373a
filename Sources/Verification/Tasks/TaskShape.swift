internal import Storage

/// How a benchmark's records become questions: the templates of lm-evaluation-harness, without examples before the question.
package enum TaskShape: String, Sendable, CaseIterable {
    /// "question", "choices" (texts, or an object with "text" and "label") and "answerKey", "label" or "answer".
    case arc
    /// "question", four "choices", "answer", of which the letters are scored; "subject" introduces it.
    case mmlu
    /// "goal", "sol1", "sol2", "label".
    case piqa
    /// "Problem", "options" in one text, "correct".
    case mathqa
    /// "text", whose last word is to be told.
    case lambada

    /// Whether there is something to choose from; otherwise the only continuation must be the likeliest of all.
    var isChoice: Bool { self != .lambada }

    func question(_ record: RecordFields, _ fields: TaskFields) throws -> Question {
        switch self {
        case .arc:
            let (choices, labels) = try choices(record, fields.choices ?? "choices")
            return Question(
                context: Self.asked(try record.text(fields.question ?? "question")), choices: choices,
                answer: try answer(record, fields, choices, labels))
        case .mmlu:
            let (choices, labels) = try choices(record, fields.choices ?? "choices")
            let letters = choices.indices.map(Self.letter)
            let question = try record.text(fields.question ?? "question").trimmingSpace
            let lines = zip(letters, choices).map { "\($0). \($1)\n" }.joined()
            return Question(
                context: try Self.introduction(record) + "\(question)\n\(lines)Answer:", choices: letters,
                answer: try answer(record, fields, choices, labels))
        case .piqa:
            let choices = [try record.text("sol1"), try record.text("sol2")]
            return Question(
                context: Self.asked(try record.text(fields.question ?? "goal")), choices: choices,
                answer: try answer(record, fields, choices, []))
        case .mathqa:
            let name = fields.choices ?? "options"
            let choices = Self.options(try record.text(name))
            guard choices.count > 1 else { throw VerificationError.taskAnswer("\(record.place)", "\(name) lists no options") }
            return Question(
                context: Self.asked(try record.text(fields.question ?? "Problem")), choices: choices,
                answer: try answer(record, fields, choices, []))
        case .lambada: return Question(lastWordOf: try record.text(fields.question ?? "text"))
        }
    }

    private static func asked(_ question: String) -> String { "Question: \(question)\nAnswer:" }

    private static func letter(_ index: Int) -> String { String(UnicodeScalar(UInt8(65 + index % 26))) }

    private static func introduction(_ record: RecordFields) throws -> String {
        guard record.has("subject") else { return "" }
        let subject = try record.text("subject").replacing("_", with: " ")
        return "The following are multiple choice questions (with answers) about \(subject).\n\n"
    }

    private func choices(_ record: RecordFields, _ name: String) throws -> (texts: [String], labels: [String]) {
        let value = try record.value(name)
        guard value.object != nil else { return (try record.texts(name), []) }
        let texts = try record.texts(value["text"] ?? .null, name + ".text")
        return (texts, try record.texts(value["label"] ?? .null, name + ".label"))
    }

    /// The place that a number, a label, a letter or an answer's own text says.
    private func answer(_ record: RecordFields, _ fields: TaskFields, _ choices: [String], _ labels: [String]) throws -> Int {
        let names = fields.answer.map { [$0] } ?? ["answerKey", "label", "answer", "correct"].filter(record.has)
        let name = names.first ?? "answer"
        let value = try record.value(name)
        var place = value.integer
        if let text = value.string {
            let letters = choices.indices.map(Self.letter)
            place = labels.firstIndex(of: text) ?? letters.firstIndex(of: text.uppercased()) ?? choices.firstIndex(of: text) ?? Int(text)
        }
        guard let place, choices.indices.contains(place) else {
            throw VerificationError.taskAnswer("\(record.place)", "\(name) names none of the \(choices.count) choices")
        }
        return place
    }

    /// MathQA's options: what `[abcd] \) .*?, |e \) .*?$` finds, without the letter and the comma.
    private static func options(_ text: String) -> [String] {
        let characters = Array(text.unicodeScalars)
        var (options, start): ([String], Int) = ([], 0)
        func stands(_ expected: String, at place: Int) -> Bool { characters[place...].starts(with: expected.unicodeScalars) }
        while start < characters.count {
            guard ("a"..."e").contains(characters[start]), stands(" ) ", at: start + 1) else {
                start += 1
                continue
            }
            let comma = (start + 4..<max(start + 4, characters.count)).first { stands(", ", at: $0) }
            guard let end = characters[start] == "e" ? characters.count : comma.map({ $0 + 2 }) else {
                start += 1
                continue
            }
            var option = characters[(start + 4)..<end]
            while let last = option.last, last == " " || last == "," { option.removeLast() }
            options.append(option.reduce(into: "") { $0.unicodeScalars.append($1) })
            start = end
        }
        return options
    }
}

/// Names of a task's fields, where they are others than its shape's own.
package struct TaskFields: Sendable {
    package let question: String?
    package let choices: String?
    package let answer: String?

    package init(question: String? = nil, choices: String? = nil, answer: String? = nil) {
        (self.question, self.choices, self.answer) = (question, choices, answer)
    }
}

extension String {
    /// Without white space at either end.
    var trimmingSpace: String {
        let rest = drop { $0.isWhitespace }
        return String(rest.prefix(rest.reversed().drop { $0.isWhitespace }.count))
    }
}
