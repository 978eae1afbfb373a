internal import Checkpoints
internal import Storage
internal import Tokenizers

/// How much of a text a model writes by itself from the beginnings of its records (Jang et al. 2023): of a record x of T tokens,
///
///     EL_n(x) = mean over t of OVERLAP_n(f(x_<t), x_>=t)
///
/// where f writes greedily to the record's end, and OVERLAP_n is the share of what it wrote, in runs of n tokens, that also is in the rest
/// of the record. The paper takes every beginning; here some are taken, evenly spaced.
package struct ExtractionLikelihood: Sendable {
    /// Tokens of a run.
    package let length: Int
    /// By the text's name, each model's mean over records: base, edited and, where there is one, retrained; not a number where no record is
    /// long enough.
    package let texts: [(name: String, values: [Double], records: Int)]

    package init(length: Int, texts: [(name: String, values: [Double], records: Int)]) { (self.length, self.texts) = (length, texts) }

    /// The most records of a text, and beginnings of a record, that are gone on from.
    package static let mostRecords = 32
    package static let mostBeginnings = 8

    /// OVERLAP_n; 0 of what is shorter than n tokens.
    package static func overlap(_ written: [Int32], _ rest: [Int32], length: Int) -> Double {
        func runs(_ tokens: [Int32]) -> [ArraySlice<Int32>] {
            tokens.count < length ? [] : (0...tokens.count - length).map { tokens[$0..<$0 + length] }
        }
        let (found, known) = (runs(written), Set(runs(rest)))
        return found.isEmpty ? 0 : Double(found.count { known.contains($0) }) / Double(found.count)
    }

    /// The beginnings' lengths of a record of `count` tokens, from `first` on: what follows each has `length` tokens at least.
    package static func beginnings(of count: Int, from first: Int, length: Int, most: Int = mostBeginnings) -> [Int] {
        Array(first..<max(first, count - length + 1)).evenly(most)
    }

    var json: JSONValue {
        .object(
            JSONObject(
                members: [("n", .integer(length))]
                    + texts.map { text in
                        (
                            text.name,
                            .members([
                                "records": .integer(text.records), "base": .number(text.values[0]), "edited": .number(text.values[1]),
                                "retrained": text.values.count > 2 ? .number(text.values[2]) : .null,
                            ])
                        )
                    }))
    }
}

extension Verification {
    /// How much the models write by themselves of the forget text and, to compare with, of the holdout, in runs of `length` tokens.
    package func extraction(length: Int) throws -> ExtractionLikelihood {
        let chosen = texts.all.filter { $0.name == "forget" || $0.name == "holdout" }
        return ExtractionLikelihood(
            length: length,
            texts: try chosen.map { name, text in
                var encoding = encoder.textEncoder()
                let tasks = try text.records.evenly(ExtractionLikelihood.mostRecords)
                    .map { try ExtractionTask($0, encoder, &encoding, length: length) }.filter { !$0.beginnings.isEmpty }
                let values = try verifier.models.map { model in
                    progress.begin("drawing \(name) out of \(model.path)")
                    let written = try Generator(model, plan: verifier.plan).continuations(
                        of: tasks.flatMap(\.prompts), counts: tasks.flatMap(\.counts), temperature: 0, seed: 0)
                    return ExtractionTask.mean(tasks, written, length: length)
                }
                return (name, values, tasks.count)
            })
    }
}

/// One record, and the beginnings of it that a model goes on from.
private struct ExtractionTask {
    private let tokens: [Int32]
    let beginnings: [Int]

    init(_ record: TextRecord, _ encoder: RecordEncoder, _ text: inout TextEncoder, length: Int) throws {
        let (ids, firstScored) = try encoder.tokens(record, by: &text)
        let start = encoder.start(of: record)
        tokens = Array((start + ids).prefix(encoder.contextLength))
        beginnings = ExtractionLikelihood.beginnings(of: tokens.count, from: max(1, start.count + firstScored), length: length)
    }

    var prompts: [[Int32]] { beginnings.map { Array(tokens[..<$0]) } }
    var counts: [Int] { beginnings.map { tokens.count - $0 } }

    static func mean(_ tasks: [ExtractionTask], _ written: [[Int32]], length: Int) -> Double {
        var place = 0
        let likelihoods = tasks.map { task in
            defer { place += task.beginnings.count }
            let overlaps = task.beginnings.enumerated().map { index, beginning in
                ExtractionLikelihood.overlap(written[place + index], Array(task.tokens[beginning...]), length: length)
            }
            return overlaps.reduce(0, +) / Double(overlaps.count)
        }
        return likelihoods.reduce(0, +) / Double(likelihoods.count)
    }
}
