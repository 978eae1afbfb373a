internal import Glibc
internal import Storage

/// How many of a task's questions a model answers rightly, as lm-evaluation-harness counts.
package struct TaskAccuracy: Sendable {
    /// Of each question, whether the likeliest continuation is the right one; of a last word, whether it is what the model writes.
    package let isRight: [Bool]
    /// The same where log-likelihoods are divided by the answers' lengths: in characters, the harness's `acc_norm`, and in UTF-8 bytes, its
    /// `acc_bytes`. Nil where there is nothing to choose from.
    package let isRightByCharacters: [Bool]?
    package let isRightByBytes: [Bool]?
    /// exp(-mean log-likelihood of the right continuation).
    package let perplexity: Double

    /// From the score of every continuation of every question.
    package init(_ questions: [Question], _ shape: TaskShape, _ scores: [TextScore]) {
        let logs = scores.map { $0.records.map { -$0.nll } }
        func right(_ length: (String) -> Int) -> [Bool] {
            zip(questions, logs).map { question, logs in
                Self.likeliest(zip(logs, question.choices).map { $0 / Double(length($1)) }) == question.answer
            }
        }
        if shape.isChoice {
            isRight = right { _ in 1 }
            isRightByCharacters = right(\.unicodeScalars.count)
            isRightByBytes = right(\.utf8.count)
        } else {
            isRight = scores.map { $0.records[0].isRecited }
            (isRightByCharacters, isRightByBytes) = (nil, nil)
        }
        perplexity = exp(-zip(questions, logs).reduce(0) { $0 + $1.1[$1.0.answer] } / Double(questions.count))
    }

    /// The first of the largest.
    private static func likeliest(_ values: [Double]) -> Int {
        values.indices.reduce(0) { values[$1] > values[$0] ? $1 : $0 }
    }

    /// The share that is right.
    package var accuracy: Double { SampleMean(isRight.map { $0 ? 1 : 0 }).mean }

    var json: JSONValue {
        var members: [(name: String, value: JSONValue)] = []
        let kinds = [("acc", isRight), ("acc_norm", isRightByCharacters), ("acc_bytes", isRightByBytes)]
        for (name, values) in kinds {
            guard let values else { continue }
            let mean = SampleMean(values.map { $0 ? 1 : 0 })
            members += [(name, .number(mean.mean)), (name + "_stderr", .number(mean.standardError))]
        }
        return .object(JSONObject(members: members + [("perplexity", .number(perplexity))]))
    }
}

/// One task in every model.
package struct TaskResult: Sendable {
    package let name: String
    package let shape: TaskShape
    package let base: TaskAccuracy
    package let edited: TaskAccuracy
    package let retrained: TaskAccuracy?
    /// 95 % interval of the edited model's accuracy less the base's, by a bootstrap over questions; nil for a single one.
    package let interval: ConfidenceInterval?

    package init(name: String, shape: TaskShape, _ accuracies: [TaskAccuracy], seed: UInt64) {
        (self.name, self.shape, base, edited) = (name, shape, accuracies[0], accuracies[1])
        retrained = accuracies.count > 2 ? accuracies[2] : nil
        interval = PairedBootstrap(seed: seed).interval(
            tokens: [Int](repeating: 1, count: base.isRight.count),
            values: zip(base.isRight, edited.isRight).map { ($1 ? 1 : 0) - ($0 ? 1 : 0) })
    }

    package var gained: Int { zip(base.isRight, edited.isRight).count { !$0 && $1 } }
    package var lost: Int { zip(base.isRight, edited.isRight).count { $0 && !$1 } }

    var json: JSONValue {
        .members([
            "shape": .string(shape.rawValue), "questions": .integer(base.isRight.count), "base": base.json, "edited": edited.json,
            "retrained": retrained.map(\.json) ?? .null,
            "change": .members([
                "acc": .number(edited.accuracy - base.accuracy), "ci95": ConfidenceInterval.json(interval), "gained": .integer(gained),
                "lost": .integer(lost),
            ]),
        ])
    }
}
