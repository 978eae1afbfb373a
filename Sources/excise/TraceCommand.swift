internal import ArgumentParser
internal import Checkpoints
internal import Storage
internal import SystemPackage
internal import Verification

struct TraceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace", abstract: "Write what a model computes for a sequence: logits, losses, and gradients where asked.")

    @Argument(help: "A model's directory or archive.") var model: String
    @Option(help: "Token ids, separated by commas.") var tokens: TokenList
    @Option(help: "The .safetensors file to write.") var output: String
    @Flag(help: "Write d(mean loss)/d(parameter) for every parameter too.") var gradients = false
    @Flag(help: "Replace what is at --output.") var force = false
    @OptionGroup var common: CommonOptions

    func run() throws {
        _ = common.begin()
        let opened = try OpenModel(model)
        let started = Progress.now()
        let loss = try ModelTrace(opened.model, tokens: tokens.ids).write(to: FilePath(output), gradients: gradients, replacing: force)
        let seconds = Progress.now() - started
        guard common.json else {
            print("\(tokens.ids.count) tokens, \(decimals(loss, 6)) nats a token; written to \(output)")
            return
        }
        var report = Report("trace")
        try report.addInput("model", model, model: opened.model.checkpoint)
        report.members = [
            ("tokens", .integer(tokens.ids.count)), ("nll", .number(loss)), ("output", .string(output)),
            ("output_sha256", .string(try InputFile(FilePath(output)).sha256().description)), ("gradients", .boolean(gradients)),
            ("seconds", .number(seconds)),
        ]
        report.print()
    }
}
