internal import ArgumentParser
internal import Checkpoints
internal import Storage
internal import Tokenizers
internal import Transformer
internal import Verification

struct GenerateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Continue a prompt, to look at a model before and after.", discussion: TextOptions.files)

    @Argument(help: "A model's directory or archive.") var model: String
    @Option(help: "What to continue.") var prompt: String?
    @Option(help: "A file of records whose prompts (or texts) to continue.") var data: String?
    @Option(help: "The most tokens to add.") var maxTokens = 32
    @Option(help: "0: the likeliest token; otherwise draw at this temperature.") var temperature = 0.0
    @Option(help: "For drawing.") var seed: UInt64 = 0
    @OptionGroup var texts: TextOptions
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard (prompt == nil) != (data == nil) else { throw ValidationError("Give either --prompt or --data.") }
        guard maxTokens > 0, maxTokens <= 1 << 20 else {
            throw ValidationError("--max-tokens is \(maxTokens); a positive number is expected.")
        }
        guard temperature >= 0, temperature.isFinite else {
            throw ValidationError("--temperature is \(temperature); it cannot be negative.")
        }
    }

    func run() throws {
        _ = common.begin()
        let opened = try OpenModel(model)
        let tokenizer = try opened.tokenizer()
        let encoder = try opened.encoder(tokenizer, texts)
        var prompts: [String] = []
        if let prompt { prompts = [prompt] }
        if let data {
            prompts = try texts.records(data).map { record in
                switch record.whole {
                case .text(let text), .completion(let text, _): text
                case .tokens, .part: throw ValidationError("\(data) holds token ids; prompts are expected.")
                }
            }
        }
        let sequences = try encoder.sequences(prompts.map(TextRecord.text), named: data ?? "--prompt")
        let continued = try Generator(opened.model).continuations(of: sequences, count: maxTokens, temperature: temperature, seed: seed)
        let texts = try continued.map { try tokenizer.decode($0, skippingSpecialTokens: false) }
        guard common.json else {
            for (prompt, text) in zip(prompts, texts) { print(prompt + text) }
            return
        }
        var report = Report("generate")
        try report.addInput("model", model, model: opened.model.checkpoint)
        if let data { try report.addInput("data", file: data) }
        let records = zip(prompts, zip(texts, continued)).map { prompt, result -> [(name: String, value: JSONValue)] in
            [("prompt", .string(prompt)), ("text", .string(result.0)), ("ids", .array(result.1.map { .integer(Int($0)) }))]
        }
        report.members = data == nil ? records[0] : [("records", .array(records.map { .object(JSONObject(members: $0)) }))]
        report.print()
    }
}
