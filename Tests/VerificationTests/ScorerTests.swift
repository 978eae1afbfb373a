import Checkpoints
import Storage
import SystemPackage
import TestSupport
import Testing
import Transformer
import Verification

struct ScorerTests {
    private func window(_ tokens: [Int32]) -> Window { Window(inputs: Array(tokens.dropLast()), targets: Array(tokens.dropFirst())) }

    private func reference(_ name: String) throws -> Checkpoint {
        try Checkpoint(Fixture.directory.appending(name).appending("reference.safetensors"))
    }

    private func score(_ name: String, _ examples: [Example]) throws -> TextScore {
        let model = try Fixture.model(name)
        return try Scorer(model, from: model.checkpoint).score(examples)
    }

    /// Tolerance 1e-4, norm of the difference over norm: float32 sums in another order differ by some 1e-6.
    @Test(arguments: Fixture.picoModels)
    func agreesWithTransformers(_ name: String) throws {
        let reference = try reference(name)
        let tokens = try reference.tokens("tokens")
        let expected = try reference.floats("loss")
        let score = try score(name, [Example(windows: [window(tokens)])])
        let record = try #require(score.records.first)
        #expect(relativeError(record.losses, expected) < 1e-4)
        let sum = expected.reduce(0.0) { $0 + Double($1) }
        #expect(abs(record.nll - sum) < 1e-4 * sum)
        #expect(score.records.count == 1 && score.tokens == tokens.count - 1 && record.tokens == tokens.count - 1)
        #expect(abs(score.nllPerToken - sum / Double(tokens.count - 1)) < 1e-4 * score.nllPerToken)
        // How often the token that came is the likeliest, by the reference's own logits.
        let logits = try reference.floats("logits")
        let width = logits.count / tokens.count
        let matches = (0..<tokens.count - 1).count { row in
            let values = logits[row * width..<(row + 1) * width]
            return values.firstIndex(of: values.max() ?? 0) == row * width + Int(tokens[row + 1])
        }
        #expect(record.greedyMatches == matches)
    }

    /// However many rows go through the layers together, every bit of every figure is the same.
    @Test(arguments: ["llama-tied-gqa", "phi-2"])
    func theBudgetChangesNothing(_ name: String) throws {
        let tokens = try reference(name).tokens("tokens")
        let kinds = [window(tokens), window(Array(tokens[2..<9])), window(Array(tokens[..<5]))]
        let examples = (0..<400).map { Example(windows: [kinds[$0 % 3]]) }
        let model = try Fixture.model(name)
        let least = try #require(throws: TransformerError.self) {
            try ScoringPlan([model], longestWindow: tokens.count, held: 0, budget: MemoryBudget(bytes: 1))
        }
        guard case .overBudget(_, let smallest) = least else { return }
        let plan = try ScoringPlan([model], longestWindow: tokens.count, held: 0, budget: MemoryBudget(bytes: smallest))
        let tight = try Scorer(model, from: model.checkpoint, plan: plan).score(examples).records
        let wide = try Scorer(model, from: model.checkpoint).score(examples).records
        #expect(plan.rows < examples.reduce(0) { $0 + $1.windows[0].inputs.count })
        let same = zip(tight, wide).allSatisfy {
            $0.losses == $1.losses && $0.isArgmax == $1.isArgmax && $0.standardized == $1.standardized
        }
        #expect(same)
    }

    @Test func scoresOnlyWhatCounts() throws {
        let tokens = try reference("llama-tied-gqa").tokens("tokens")
        let whole = try #require(try score("llama-tied-gqa", [Example(windows: [window(tokens)])]).records.first)
        var partial = window(tokens)
        for place in [0, 1, 4] { partial.targets[place] = Window.unscored }
        let record = try #require(try score("llama-tied-gqa", [Example(windows: [partial])]).records.first)
        let kept = whole.losses.indices.filter { ![0, 1, 4].contains($0) }.map { whole.losses[$0] }
        #expect(record.tokens == kept.count)
        #expect(relativeError(record.losses, kept) < 1e-5)
    }

    /// A record's windows count together, whatever else is scored with them.
    @Test func addsUpWindowsByRecord() throws {
        let tokens = try reference("llama-tied-gqa").tokens("tokens")
        let (first, second, third) = (window(Array(tokens[..<9])), window(Array(tokens[8...])), window(Array(tokens[3..<7])))
        let apart = try score("llama-tied-gqa", [first, second, third].map { Example(windows: [$0]) }).records
        let together = try score("llama-tied-gqa", [Example(windows: [third]), Example(windows: [first, second])]).records
        #expect(together.map(\.tokens) == [3, tokens.count - 1])
        #expect(relativeError(together[1].losses, apart[0].losses + apart[1].losses) < 1e-5)
        #expect(relativeError(together[0].losses, apart[2].losses) < 1e-5)
        #expect(together[1].greedyMatches == apart[0].greedyMatches + apart[1].greedyMatches)
    }

    /// More windows than go through the layers together, of different lengths, and a record of two windows.
    @Test(arguments: ["llama-tied-gqa", "gpt2-tied"])
    func groupingChangesNothing(_ name: String) throws {
        let tokens = try reference(name).tokens("tokens")
        let kinds = [
            Example(windows: [window(tokens)]), Example(windows: [window(Array(tokens[2..<9]))]),
            Example(windows: [window(Array(tokens[..<5])), window(Array(tokens[4...]))]),
        ]
        let alone = try kinds.map { try #require(try score(name, [$0]).records.first) }
        let count = 1500
        let model = try Fixture.model(name)
        var progress: [(Int, Int)] = []
        let many = try Scorer(model, from: model.checkpoint).score((0..<count).map { kinds[$0 % 3] }) { progress.append(($0, $1)) }
        #expect(many.records.count == count)
        for (index, record) in many.records.enumerated() {
            let expected = alone[index % 3]
            guard record.tokens == expected.tokens, record.greedyMatches == expected.greedyMatches,
                relativeError(record.losses, expected.losses) < 1e-5
            else {
                Issue.record("record \(index)")
                break
            }
        }
        // It took several groups, and all of them were heard of.
        #expect(progress.count > 1)
        #expect(progress.last?.0 == progress.last?.1)
        #expect(progress.last?.1 == count / 3 * kinds.reduce(0) { $0 + $1.windows.reduce(0) { $0 + $1.inputs.count } })
    }

    @Test func scoresNothing() throws {
        let score = try score("llama-bf16", [])
        #expect(score.records.isEmpty && score.tokens == 0 && score.nllPerToken.isNaN)
    }

    @Test func recitesWhatIsLikeliestThroughout() throws {
        // Nothing scored is nothing recited.
        let text = MadeScore.text([(3, 1, 3), (3, 1, 2), (0, 0, 0), (1, 1, 1)])
        #expect(text.records.map(\.isRecited) == [true, false, false, true])
        #expect(text.recited == 2)
    }

    // MARK: Side by side

    @Test func aModelIsLikeItself() throws {
        let model = try Fixture.model("llama-tied-gqa")
        let tokens = try reference("llama-tied-gqa").tokens("tokens")
        let examples = [Example(windows: [window(tokens)]), Example(windows: [window(Array(tokens[..<7]))])]
        let verifier = try Verifier(base: model, edited: model)
        let comparison = try #require(try verifier.compare([examples], seed: 1).first)
        let divergence = try #require(comparison.divergence)
        #expect(comparison.ratio == 1)
        #expect(divergence.divergences.count == tokens.count + 5)
        #expect(divergence.divergences.allSatisfy { $0 < 1e-6 } && divergence.agreement == 1)
        #expect(divergence.probabilityChanges.allSatisfy { $0 == 0 })
        let scored = try Scorer(model, from: model.checkpoint).score(examples)
        #expect(relativeError(comparison.base.records[0].losses, scored.records[0].losses) < 1e-5)
        #expect(relativeError(comparison.base.records[0].standardized, scored.records[0].standardized) < 1e-5)
        #expect(comparison.base.records.map(\.tokens) == scored.records.map(\.tokens))
    }

    @Test func refusesModelsThatCannotBeCompared() throws {
        let error = try #require(throws: VerificationError.self) {
            try Verifier(base: Fixture.model("llama-tied-gqa"), edited: Fixture.model("llama-bf16"))
        }
        #expect(error.kind == "unlike-models")
        #expect(error.description.contains("61 and 73"))
    }
}
