package import Checkpoints
internal import Storage
package import Transformer

/// Whether what was forgotten comes back where the model is taught a part of it again, or something else: losses on records of the forget
/// text that were not taught, in nats a token.
package struct Relearned: Sendable {
    /// One model's losses on the records that were not taught.
    package struct Course: Sendable {
        package let before: Double
        /// After other records of the forget text were taught.
        package let afterPart: Double
        /// After general text was taught.
        package let afterUnrelated: Double

        package init(before: Double, afterPart: Double, afterUnrelated: Double) {
            (self.before, self.afterPart, self.afterUnrelated) = (before, afterPart, afterUnrelated)
        }
    }

    package let steps: Int
    package let rate: Double
    /// Records of the forget text that were taught, and those that the losses are of.
    package let taught: Int
    package let tested: Int
    /// The base's loss.
    package let base: Double
    package let edited: Course
    package let retrained: Course?

    package init(steps: Int, rate: Double, taught: Int, tested: Int, base: Double, edited: Course, retrained: Course?) {
        (self.steps, self.rate, self.taught, self.tested) = (steps, rate, taught, tested)
        (self.base, self.edited, self.retrained) = (base, edited, retrained)
    }

    /// How much of the way back to the base's loss a loss is: 0 none of it, 1 all.
    func recovery(_ after: Double, _ course: Course) -> Double { (course.before - after) / (course.before - base) }

    var json: JSONValue {
        func value(_ course: Course) -> JSONValue {
            .members([
                "before": .number(course.before), "after_part": .number(course.afterPart),
                "after_unrelated": .number(course.afterUnrelated),
                "recovery_part": .number(recovery(course.afterPart, course)),
                "recovery_unrelated": .number(recovery(course.afterUnrelated, course)),
            ])
        }
        return .members([
            "steps": .integer(steps), "rate": .number(rate), "taught": .integer(taught), "tested": .integer(tested),
            "base_nll": .number(base), "edited": value(edited), "retrained": retrained.map(value) ?? .null,
        ])
    }
}

extension Verification {
    /// What is taught, and what is looked at afterwards.
    package struct Lesson: Sendable {
        /// Every other record of the forget text, 32 at most.
        package let part: [Example]
        /// As many samples of the general text.
        package let unrelated: [Example]
        /// The records of the forget text between those taught.
        let tested: [Example]

        static let mostTaught = 32
        static let longestSample = 128
    }

    /// Nil where the forget text is a single record.
    package func lesson() throws -> Lesson? {
        let examples = texts.forget.examples
        guard examples.count > 1 else { return nil }
        let part = stride(from: 0, to: examples.count, by: 2).prefix(Lesson.mostTaught).map { examples[$0] }
        return Lesson(
            part: part,
            unrelated: try encoder.samples(part.count, length: Lesson.longestSample, of: texts.retain.records, named: "--retain"),
            tested: stride(from: 1, to: examples.count, by: 2).map { examples[$0] })
    }

    /// What comes back; `learn` teaches a model some examples and returns its weights afterwards.
    package func relearned(
        _ lesson: Lesson, steps: Int, rate: Double, learn: (LanguageModel, [Example]) throws -> any WeightSource
    ) throws -> Relearned {
        func loss(_ model: LanguageModel, _ source: (any WeightSource)? = nil) throws -> Double {
            try verifier.scorer(model, from: source).score(lesson.tested).nllPerToken
        }
        func course(_ model: LanguageModel) throws -> Relearned.Course {
            progress.begin("teaching \(model.path) again")
            return Relearned.Course(
                before: try loss(model), afterPart: try loss(model, learn(model, lesson.part)),
                afterUnrelated: try loss(model, learn(model, lesson.unrelated)))
        }
        return Relearned(
            steps: steps, rate: rate, taught: lesson.part.count, tested: lesson.tested.count, base: try loss(verifier.base),
            edited: try course(verifier.edited), retrained: try verifier.retrained.map(course))
    }
}
