internal import Checkpoints
package import Storage
package import Tokenizers
internal import Transformer

/// A record's beginning, to be completed, and how it goes on.
package struct CompletionTask: Sendable {
    package let prompt: [Int32]
    package let truth: [Int32]

    /// The prompt of a record that has one, otherwise the first half of its tokens; of what follows no more than `count` tokens count. Nil where
    /// nothing is left to be given or to follow.
    package init?(_ record: TextRecord, _ encoder: RecordEncoder, _ text: inout TextEncoder, count: Int) throws {
        let (ids, firstScored) = try encoder.tokens(record, by: &text)
        let split = firstScored > 0 ? firstScored : ids.count / 2
        let room = max(1, encoder.contextLength - count)
        prompt = Array((encoder.start(of: record) + ids[..<split]).suffix(room))
        truth = Array(ids[split...].prefix(count))
        guard !prompt.isEmpty, !truth.isEmpty else { return nil }
    }
}

extension Verification {
    /// The most records of a text that are completed.
    package static let mostCompletions = 32

    /// What each model writes of up to `count` tokens where records of the forget, keep and retain text go on: the likeliest tokens, or such as
    /// are drawn at a temperature.
    package func completions(count: Int, temperature: Double) throws -> [TextCompletions] {
        return try texts.all.filter { ["forget", "keep", "retain"].contains($0.name) }.map { name, text in
            progress.begin("completing records of \(name)")
            var encoding = encoder.textEncoder()
            let tasks = try text.records.evenly(Self.mostCompletions).compactMap {
                try CompletionTask($0, encoder, &encoding, count: count)
            }
            let results = try verifier.models.map { try complete(tasks, with: $0, count: count, temperature) }
            return TextCompletions(name: name, base: results[0], edited: results[1], retrained: results.count > 2 ? results[2] : nil)
        }
    }

    private func complete(_ tasks: [CompletionTask], with model: LanguageModel, count: Int, _ temperature: Double) throws -> [Completion] {
        let written = try Generator(model, plan: verifier.plan).continuations(
            of: tasks.map(\.prompt), count: count, temperature: temperature, seed: seed)
        var completions = try zip(tasks, written).map { task, written in
            let text = try encoder.text(of: written)
            return Completion(
                truth: task.truth, written: written, text: text, rouge: try RougeL(truth: encoder.text(of: task.truth), other: text))
        }
        let spoken = written.indices.filter { !written[$0].isEmpty }
        let examples = spoken.map { index in
            let (prompt, rest) = (tasks[index].prompt, written[index])
            return Example(
                windows: RecordEncoder.windows(prompt + rest, firstScored: prompt.count, length: verifier.base.configuration.contextLength))
        }
        let losses = try verifier.scorer(verifier.base).score(examples).records.map(\.meanLoss)
        for (index, loss) in zip(spoken, losses) { completions[index].baseLoss = loss }
        return completions
    }
}
