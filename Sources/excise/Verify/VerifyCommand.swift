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
    @OptionGroup var texts: VerifiedTextOptions
    @Option(help: ArgumentHelp("One trained like BASE, but without the forget text.", valueName: "model")) var retrained: String?
    @Option(help: ArgumentHelp("Another model of the same tokenizer, for membership inference.", valueName: "model")) var reference: String?
    @OptionGroup var measurements: MeasurementOptions
    @OptionGroup var gates: GateOptions
    @OptionGroup var outputs: VerifyOutputs
    @Option(help: "For what is drawn: the bootstrap's samples, candidates and tokens.") var seed: UInt64 = 0
    @Option(help: "The most memory the process may take, such as 4GiB.") var memory: ByteCount?
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard !(common.json && outputs.markdown) else {
            throw ValidationError("--json and --markdown are different outputs: give one of them.")
        }
    }

    func run() throws {
        let progress = common.begin()
        let policy = gates.appliedPolicy
        let expressions = try gates.expressions(texts: texts.given)
        try outputs.check()
        let (before, after) = (try OpenModel(base), try OpenModel(edited))
        let (without, other) = (try retrained.map(OpenModel.init), try reference.map(OpenModel.init))
        let encoder = try before.encoder(before.tokenizer(), texts.format)
        let verifier = try Verifier(base: before.model, edited: after.model, retrained: without?.model, reference: other?.model)
        var verification = Verification(
            verifier, encoder, try texts.read(encoder), seed: seed,
            progress: VerificationProgress(begin: { progress.begin($0) }, advance: progress.advance))
        let inputs = try measurements.read(texts.format, encoder)
        let work = Verification.Work(
            records: inputs.records, varied: inputs.varied, variants: measurements.candidates, tasks: inputs.tasks,
            written: measurements.mostWritten(expressions),
            roundings: measurements.roundings(expressions).count)
        let budget = memory.map { MemoryBudget(bytes: $0.bytes) } ?? .standard
        try verification.plan(work, within: budget)
        try measurements.relearning.check(verification, expressions, within: budget)
        let findings = try measurements.measure(verification, inputs, gates: expressions, within: budget)
        let result = try VerificationReport(findings, gates: expressions)
        let code: Int32 = result.passed ? 0 : 1
        try outputs.write(result, policy: policy, base: base, edited: edited)
        if common.json {
            var report = Report("verify")
            try report.addInput("base", base, model: before.model.checkpoint)
            try report.addInput("edited", edited, model: after.model.checkpoint)
            try texts.addInputs(to: &report)
            try measurements.addInputs(to: &report)
            if let retrained, let without { try report.addInput("retrained", retrained, model: without.model.checkpoint) }
            if let reference, let other { try report.addInput("reference", reference, model: other.model.checkpoint) }
            report.members =
                [
                    ("prefix", encoder.prefix.map { .integer(Int($0)) } ?? .null),
                    ("policy", policy.map { .string($0.name) } ?? .null),
                ] + result.members
            report.members.append(
                (
                    "memory",
                    .members([
                        "budget_bytes": memory.map { .integer($0.bytes) } ?? .null,
                        "planned_peak_bytes": .integer(verification.plannedPeak),
                        "measured_peak_bytes": .integer(ProcessAccount.peakMemory),
                    ])
                ))
            report.print(exitCode: code)
        } else if outputs.markdown {
            print(MarkdownReport(result, policy: policy).document)
        } else {
            VerifyTable(result).print()
        }
        guard code == 0 else { throw ExitCode(code) }
    }
}
