internal import ArgumentParser
internal import Checkpoints
internal import Storage
internal import Verification

struct PerplexityCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "perplexity", abstract: "A text's perplexity under a named protocol.", discussion: TextOptions.files)

    @Argument(help: "A model's directory or archive.") var model: String
    @Option(help: "The text.") var data: String
    @Option(help: ArgumentHelp("How the text is cut and scored.", valueName: "records|lm-eval-rolling|hf-sliding:STRIDE|llamacpp-half:N"))
    var `protocol` = "records"
    @Option(help: "A shorter context than the model's, in tokens.") var context: Int?
    @OptionGroup var texts: TextOptions
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard context.map({ $0 > 1 }) ?? true else { throw ValidationError("--context is \(context ?? 0); at least 2 is expected.") }
    }

    func run() throws {
        let progress = common.begin()
        let method = try PerplexityProtocol(parsing: self.protocol)
        let opened = try OpenModel(model)
        let encoder = try opened.encoder(opened.tokenizer(), texts, context: context)
        let records = try texts.records(data)
        let started = Progress.now()
        progress.begin("scoring \(records.count) records")
        let scorer = Scorer(opened.model, from: opened.model.checkpoint)
        let result = try Perplexity(of: records, named: data, method, encoder, scorer, progress: progress.advance)
        let seconds = Progress.now() - started
        guard common.json else {
            print("protocol      \(method) (context \(encoder.contextLength), prefix \(encoder.prefix.map(String.init) ?? "none"))")
            print("tokens        \(result.tokens)")
            print("nll           \(decimals(result.nll, 3)) nats")
            print("perplexity    \(decimals(result.perplexity, 4))")
            if let bits = result.bitsPerByte { print("bits a byte   \(decimals(bits, 4))") }
            print("rate          \(Int(Double(result.tokens) / seconds)) tokens a second")
            return
        }
        var report = Report("perplexity")
        try report.addInput("model", model, model: opened.model.checkpoint)
        try report.addInput("data", file: data)
        report.members = [
            ("protocol", .string(method.description)),
            ("context", .integer(encoder.contextLength)),
            ("prefix", encoder.prefix.map { .integer(Int($0)) } ?? .null),
            ("tokens", .integer(result.tokens)),
            ("nll", .number(result.nll)),
            ("perplexity", .number(result.perplexity)),
            ("bits_per_byte", result.bitsPerByte.map(JSONValue.number) ?? .null),
            ("records", .integer(result.records)),
            ("seconds", .number(seconds)),
        ]
        report.print()
    }
}
