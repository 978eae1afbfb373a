internal import ArgumentParser
internal import Checkpoints
internal import Storage
internal import Transformer
internal import Verification

struct ScoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "score", abstract: "What every record of a text costs the model.", discussion: TextOptions.files)

    @Argument(help: "A model's directory or archive.") var model: String
    @Option(help: "The text.") var data: String
    @Flag(help: "With --json, each scored token's log-probability too.") var logprobs = false
    @OptionGroup var texts: TextOptions
    @OptionGroup var common: CommonOptions

    func run() throws {
        let progress = common.begin()
        let opened = try OpenModel(model)
        let encoder = try opened.encoder(opened.tokenizer(), texts)
        let examples = try encoder.examples(texts.records(data), named: data)
        progress.begin("scoring \(examples.count) records")
        let score = try Scorer(opened.model, from: opened.model.checkpoint).score(examples, progress: progress.advance)
        guard common.json else {
            print("record  tokens  loss (nats a token)  greedy match")
            for (index, record) in score.records.enumerated() {
                print(
                    "\(column(index, 6))  \(column(record.tokens, 6))  \(column(decimals(record.nll / Double(record.tokens), 4), 19))  "
                        + column(decimals(Double(record.greedyMatches) / Double(record.tokens), 3), 12))
            }
            print(
                "\(score.records.count) records, \(score.tokens) tokens, \(decimals(score.nllPerToken, 4)) nats a token, \(score.recited) recited greedily"
            )
            return
        }
        var report = Report("score")
        try report.addInput("model", model, model: opened.model.checkpoint)
        try report.addInput("data", file: data)
        report.members = [
            ("prefix", encoder.prefix.map { .integer(Int($0)) } ?? .null),
            ("records_windowed", .integer(examples.count { $0.windows.count > 1 })),
            (
                "records",
                .array(
                    score.records.enumerated().map { index, record in
                        var members: [(name: String, value: JSONValue)] = [
                            ("index", .integer(index)), ("tokens", .integer(record.tokens)), ("nll", .number(record.nll)),
                            ("greedy_match", .number(Double(record.greedyMatches) / Double(record.tokens))),
                        ]
                        if logprobs { members.append(("logprobs", .array(record.losses.map { .number(-Double($0)) }))) }
                        return .object(JSONObject(members: members))
                    })
            ),
        ]
        report.print()
    }
}

/// A number with so many decimals.
func decimals(_ value: Double, _ count: Int) -> String {
    guard value.isFinite, abs(value) < 1e12 else { return "\(value)" }
    let factor = (0..<count).reduce(1.0) { product, _ in product * 10 }
    let whole = (value.magnitude * factor).rounded()
    let digits = String(Int(whole))
    let padded = String(repeating: "0", count: max(0, count + 1 - digits.count)) + digits
    return (value < 0 && whole > 0 ? "-" : "") + padded.dropLast(count) + (count > 0 ? "." + padded.suffix(count) : "")
}

/// Right-aligned in a column.
func column(_ value: some CustomStringConvertible, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - value.description.count)) + value.description
}
