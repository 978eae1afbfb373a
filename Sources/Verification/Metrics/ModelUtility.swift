internal import Checkpoints
internal import Glibc
internal import Storage
internal import Tokenizers

/// TOFU's model utility (Maini et al. 2024): the harmonic mean over sets of questions of how likely the true answers are, how much of them is
/// in what the model writes, and how well it tells them from false ones. Near 0 where one of them is.
package struct ModelUtility: Sendable {
    /// One model on one set.
    package struct Scores: Sendable {
        /// Mean of p(answer) = exp(-mean loss a token); of a set whose false answers are alternatives, over the sum of all answers'.
        package let probability: Double
        /// Mean ROUGE-L recall of what is written.
        package let rouge: Double
        /// Mean of max(0, 1 - R), R the truth ratio.
        package let truthRatio: Double

        package init(probability: Double, rouge: Double, truthRatio: Double) {
            (self.probability, self.rouge, self.truthRatio) = (probability, rouge, truthRatio)
        }

        /// Of one question.
        package init(_ answers: PerturbedAnswers, _ records: [RecordScore]) {
            let likelihoods = records.map { 0 - $0.meanLoss }
            let (answer, perturbed) = (likelihoods[0], likelihoods.suffix(answers.perturbed.count))
            let others = answers.isChoice ? perturbed.reduce(0) { $0 + exp($1 - answer) } : 0
            probability = answers.isChoice ? 1 / (1 + others) : exp(answer)
            rouge = .nan
            let ratio = TruthRatios.ratio(
                paraphrase: records[answers.isChoice ? 0 : 1], perturbed: records.suffix(answers.perturbed.count))
            truthRatio = max(0, 1 - ratio)
        }

        var values: [Double] { [probability, rouge, truthRatio] }

        var json: JSONValue {
            .members(["probability": .number(probability), "rouge_l_recall": .number(rouge), "truth_ratio": .number(truthRatio)])
        }
    }

    /// By the set's name: base, edited and, where there is one, retrained.
    package let sets: [(name: String, scores: [Scores])]

    package init(sets: [(name: String, scores: [Scores])]) { self.sets = sets }

    /// One model's, by its place.
    package func value(_ model: Int) -> Double {
        let values = sets.flatMap { $0.scores[model].values }
        guard values.allSatisfy({ $0 > 0 }) else { return values.contains(where: \.isNaN) ? .nan : 0 }
        return Double(values.count) / values.reduce(0) { $0 + 1 / $1 }
    }

    private var hasRetrained: Bool { sets.allSatisfy { $0.scores.count > 2 } }

    var json: JSONValue {
        .members([
            "base": .number(value(0)), "edited": .number(value(1)), "retrained": hasRetrained ? .number(value(2)) : .null,
            "sets": .object(
                JSONObject(
                    members: sets.map { set in
                        (
                            set.name,
                            .members([
                                "base": set.scores[0].json, "edited": set.scores[1].json,
                                "retrained": hasRetrained ? set.scores[2].json : .null,
                            ])
                        )
                    })),
        ])
    }
}

extension Verification {
    /// TOFU's model utility over sets of questions; of each, up to `mostCompletions` are answered in up to `count` tokens.
    package func utility(of sets: [(name: String, answers: [PerturbedAnswers])], count: Int) throws -> ModelUtility {
        ModelUtility(
            sets: try sets.map { name, answers in
                (
                    name,
                    try verifier.models.map { model in
                        progress.begin("answering \(name) with \(model.path)")
                        let examples = try answers.map { try encoder.examples($0.everyAnswer, named: name) }
                        let scores = try verifier.scorer(model).score(examples, progress: progress.advance)
                        let each = zip(answers, scores).map { ModelUtility.Scores($0, $1.records) }
                        func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
                        return ModelUtility.Scores(
                            probability: mean(each.map(\.probability)), rouge: mean(try recalls(of: answers, model, count: count)),
                            truthRatio: mean(each.map(\.truthRatio)))
                    }
                )
            })
    }

    /// How much of the answers is in what a model writes after their questions, of some of them.
    private func recalls(of answers: [PerturbedAnswers], _ model: LanguageModel, count: Int) throws -> [Double] {
        let chosen = answers.evenly(Self.mostCompletions)
        var text = encoder.textEncoder()
        let room = max(1, encoder.contextLength - count)
        let prompts = try chosen.map { answer -> [Int32] in
            let record = TextRecord.text(answer.prompt)
            return Array((encoder.start(of: record) + (try encoder.tokens(record, by: &text)).ids).suffix(room))
        }
        let written = try Generator(model, plan: verifier.plan).continuations(of: prompts, count: count, temperature: 0, seed: 0)
        return try zip(chosen, written).map { try RougeL(truth: $0.trueAnswer, other: encoder.text(of: $1)).recall }
    }
}
