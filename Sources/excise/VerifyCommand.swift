internal import ArgumentParser
internal import Checkpoints
internal import Storage
internal import Transformer
internal import Verification

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "What an edited model forgot and kept, beside its base; exits 0 only if every gate passed.",
        discussion: TextOptions.files)

    @Argument(help: "The model before the edit.") var base: String
    @Argument(help: "The model after it.") var edited: String
    @Option(help: "Text that was to be forgotten.") var forget: String
    @Option(help: "General text that the model must stay good at.") var retain: [String]
    @Option(help: "Records that were to keep their own loss.") var keep: String?
    @Option(help: "Unseen text like the forget text.") var holdout: String?
    @Option(help: "A comparison that must hold, such as 'retain.ratio <= 1.01'; without any, standard gates.") var gate: [String] = []
    @Option(help: "For the bootstrap.") var seed: UInt64 = 0
    @OptionGroup var texts: TextOptions
    @OptionGroup var common: CommonOptions

    func run() throws {
        let progress = common.begin()
        let expressions = gate.isEmpty ? VerificationReport.standardGates(keep: keep != nil, holdout: holdout != nil) : gate
        let gates = try expressions.map { try GateExpression(parsing: $0) }
        let (before, after) = (try OpenModel(base), try OpenModel(edited))
        let encoder = try before.encoder(before.tokenizer(), texts)
        let verifier = try Verifier(base: before.model, edited: after.model)
        func examples(_ path: String) throws -> [Example] { try encoder.examples(texts.records(path), named: path) }
        let retained = try retain.flatMap(examples)
        func compare(_ role: String, _ path: String?) throws -> TextComparison? {
            guard let path else { return nil }
            let examples = try examples(path)
            progress.begin("scoring \(role): \(examples.count) records")
            return try verifier.compare(examples, seed: seed, progress: progress.advance)
        }
        guard let forgotten = try compare("forget", forget) else { return }
        let (kept, unseen) = (try compare("keep", keep), try compare("holdout", holdout))
        progress.begin("comparing distributions on retain: \(retained.count) records")
        let (general, distributions) = try verifier.compareDistributions(retained, seed: seed, progress: progress.advance)
        let result = try VerificationReport(
            forget: forgotten, retain: general, keep: kept, holdout: unseen, distributions: distributions, gates: gates)
        let code: Int32 = result.passed ? 0 : 1
        if common.json {
            var report = Report("verify")
            try report.addInput("base", base, model: before.model.checkpoint)
            try report.addInput("edited", edited, model: after.model.checkpoint)
            try report.addInput("forget", file: forget)
            for path in retain { try report.addInput("retain", file: path) }
            if let keep { try report.addInput("keep", file: keep) }
            if let holdout { try report.addInput("holdout", file: holdout) }
            report.members = [("prefix", encoder.prefix.map { .integer(Int($0)) } ?? .null)] + result.members
            report.print(exitCode: code)
        } else {
            printTable(result)
        }
        guard code == 0 else { throw ExitCode(code) }
    }

    private func printTable(_ result: VerificationReport) {
        print("          records   loss before    after   perplexity before     after    ratio   recited before   after")
        for (name, row) in [("forget", result.forget), ("keep", result.keep), ("holdout", result.holdout), ("retain", result.retain)] {
            guard let row else { continue }
            print(
                name + String(repeating: " ", count: 8 - name.count) + column(row.base.records.count, 9)
                    + column(decimals(row.base.nllPerToken, 3), 14)
                    + column(decimals(row.edited.nllPerToken, 3), 9) + column(decimals(row.base.perplexity, 3), 20)
                    + column(decimals(row.edited.perplexity, 3), 10) + column(decimals(row.ratio, 4), 9) + column(row.base.recited, 17)
                    + column(row.edited.recited, 8))
        }
        for gate in result.gates {
            print(
                "\(gate.passed ? "passed" : "FAILED")  \(gate.expression)\(gate.value.map { "   (\(decimals($0, 4)))" } ?? "   (could not be computed)")"
            )
        }
        print(
            result.passed
                ? "All \(result.gates.count) gates passed." : "\(result.gates.count { !$0.passed }) of \(result.gates.count) gates failed.")
    }
}
