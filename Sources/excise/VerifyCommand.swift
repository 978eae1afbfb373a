internal import ArgumentParser
internal import Checkpoints
internal import Storage
internal import SystemPackage
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
    @Option(help: ArgumentHelp("A further text to measure both on, reported under texts.NAME.", valueName: "name=file"))
    var text: [NamedFile] = []
    @Option(help: ArgumentHelp("Records with a secret in digits: how exposed it is among others of its form.", valueName: "file"))
    var canaries: String?
    @Option(help: "How many candidates a canary is ranked among, where it has more; all of them otherwise.") var candidates = 256
    @Option(
        help: ArgumentHelp(
            "Measure with rounded weights too: \(IntegerRounding.names.joined(separator: ", ")). A gate that names one does so as well.",
            valueName: "name"))
    var round: [IntegerRounding] = []
    @Option(help: ArgumentHelp("Questions with true and false answers, for TOFU's truth ratio.", valueName: "file")) var perturbed: String?
    @Option(help: "The field of --perturbed with the true answer in other words.") var paraphraseField = "paraphrased_answer"
    @Option(help: "The field of --perturbed with an array of false answers.") var perturbedField = "perturbed_answer"
    @Option(help: ArgumentHelp("Let the models complete records, by up to so many tokens.", valueName: "tokens")) var complete: Int?
    @Option(help: ArgumentHelp("One trained like BASE, but without the forget text.", valueName: "model")) var retrained: String?
    @Option(help: ArgumentHelp("Another model of the same tokenizer, for membership inference.", valueName: "model")) var reference: String?
    @Option(help: ArgumentHelp("The report of excise edit --json: only the tensors it lists may differ.", valueName: "file"))
    var editReport: String?
    @Option(help: "Named gates: \(Policy.names.joined(separator: ", ")); quick where neither it nor --gate is given.") var policy: Policy?
    @Option(help: "A comparison that must hold, such as 'retain.ratio <= 1.01', besides those of --policy.") var gate: [String] = []
    @Option(help: ArgumentHelp("Write the gates there as JUnit's XML, a test case for each.", valueName: "file")) var junit: String?
    @Option(help: ArgumentHelp("Write a page with tables and bars there.", valueName: "file")) var html: String?
    @Flag(help: "Print tables as Markdown.") var markdown = false
    @Flag(help: "Replace what is at --junit and --html.") var force = false
    @Option(help: "For the bootstrap and the candidates.") var seed: UInt64 = 0
    @OptionGroup var texts: TextOptions
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard candidates >= 2 else { throw ValidationError("--candidates is \(candidates); 2 or more is expected.") }
        guard !(common.json && markdown) else { throw ValidationError("--json and --markdown are different outputs: give one of them.") }
        guard complete.map({ (1...4096).contains($0) }) ?? true else { throw ValidationError("--complete takes 1 to 4096 tokens.") }
        let names = text.map(\.name)
        guard Set(names).count == names.count else { throw ValidationError("Two --text have the same name.") }
    }

    func run() throws {
        let progress = common.begin()
        let policy = policy ?? (gate.isEmpty ? Policy(name: "quick") : nil)
        let gates = try gates(of: policy)
        for output in [junit, html].compactMap({ $0 }) where FileSystem.kind(of: FilePath(output)) != nil && !force {
            throw StorageError.outputExists(FilePath(output))
        }
        let (before, after) = (try OpenModel(base), try OpenModel(edited))
        let (without, other) = (try retrained.map(OpenModel.init), try reference.map(OpenModel.init))
        let encoder = try before.encoder(before.tokenizer(), texts)
        let verification = Verification(
            try Verifier(base: before.model, edited: after.model, retrained: without?.model, reference: other?.model), encoder,
            try verifiedTexts(encoder), seed: seed,
            progress: VerificationProgress(begin: { progress.begin($0) }, advance: progress.advance))
        let secrets = try canaries.map { try texts.records($0) }
        let fields = PerturbedAnswers.Fields(prompt: texts.promptField, paraphrase: paraphraseField, perturbed: perturbedField)
        let answers = try perturbed.map { try PerturbedAnswers.read(FilePath($0), fields) }
        let declared = try editReport.map { try EditDeclaration.tensors(report: FilePath($0)) }
        var findings = try verification.findings()
        for rounding in IntegerRounding.names.compactMap(IntegerRounding.init(name:))
        where round.contains(rounding) || name("metrics.\(rounding.name)", in: gates) {
            findings.roundings.append(try verification.rounded(rounding, findings))
        }
        if let canaries, let secrets {
            findings.exposures = try verification.exposures(of: secrets, named: canaries, candidates: candidates)
        }
        if let perturbed, let answers { findings.truthRatios = try verification.truthRatios(of: answers, named: perturbed) }
        if complete != nil || name("metrics.completions", in: gates) {
            findings.completions = try verification.completions(count: complete ?? 32)
        }
        if declared != nil || name("metrics.locality", in: gates) { findings.changes = try verification.changes(declared: declared) }
        let result = try VerificationReport(findings, gates: gates)
        let code: Int32 = result.passed ? 0 : 1
        try write(JUnitReport(result, policy: policy).document, to: junit)
        try write(VerificationPage(result, policy: policy, base: base, edited: edited).document, to: html)
        if common.json {
            var report = Report("verify")
            try report.addInput("base", base, model: before.model.checkpoint)
            try report.addInput("edited", edited, model: after.model.checkpoint)
            try report.addInput("forget", file: forget)
            for path in retain { try report.addInput("retain", file: path) }
            if let keep { try report.addInput("keep", file: keep) }
            if let holdout { try report.addInput("holdout", file: holdout) }
            for file in text { try report.addInput(file.name, file: file.path) }
            if let canaries { try report.addInput("canaries", file: canaries) }
            if let perturbed { try report.addInput("perturbed", file: perturbed) }
            if let retrained, let without { try report.addInput("retrained", retrained, model: without.model.checkpoint) }
            if let reference, let other { try report.addInput("reference", reference, model: other.model.checkpoint) }
            if let editReport { try report.addInput("edit-report", file: editReport) }
            report.members =
                [
                    ("prefix", encoder.prefix.map { .integer(Int($0)) } ?? .null),
                    ("policy", policy.map { .string($0.name) } ?? .null),
                ] + result.members
            report.print(exitCode: code)
        } else if markdown {
            print(MarkdownReport(result, policy: policy).document)
        } else {
            printTable(result)
        }
        guard code == 0 else { throw ExitCode(code) }
    }

    private func verifiedTexts(_ encoder: RecordEncoder) throws -> VerificationTexts {
        func text(_ paths: [String]) throws -> VerifiedText {
            try VerifiedText(paths.flatMap { try texts.records($0) }, named: paths.joined(separator: ", "), encoder)
        }
        var result = VerificationTexts(
            forget: try text([forget]), retain: try text(retain), keep: try keep.map { try text([$0]) },
            holdout: try holdout.map { try text([$0]) })
        result.others = try self.text.map { ($0.name, try text([$0.path])) }
        return result
    }

    /// Those of the policy, and then those of the user's own.
    private func gates(of policy: Policy?) throws -> [GateExpression] {
        let given = ["keep": keep, "holdout": holdout].filter { $0.value != nil }.map(\.key)
        return (policy?.gates(texts: Set(given)) ?? []) + (try gate.map { try GateExpression(parsing: $0) })
    }

    private func write(_ document: String, to path: String?) throws {
        guard let path else { return }
        let file = try AtomicFile(FilePath(path), replacing: force)
        Interruption.willStage(file.staging)
        try file.write(Array(document.utf8), at: 0)
        try file.commit()
    }

    /// Whether a gate is about what has that path, so that it has to be measured.
    private func name(_ path: String, in gates: [GateExpression]) -> Bool {
        gates.flatMap(\.paths).contains { $0.hasPrefix(path + ".") }
    }

    private func printTable(_ result: VerificationReport) {
        print("          records   loss before    after   perplexity before     after    ratio   recited before   after")
        let findings = result.findings
        let roles = [("forget", findings.forget), ("keep", findings.keep), ("holdout", findings.holdout), ("retain", findings.retain)]
        for (name, row) in roles {
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

extension IntegerRounding: ExpressibleByArgument {
    public init?(argument: String) { self.init(name: argument) }
}

/// NAME=FILE, the name one that a gate can say and that no other member of a report has.
struct NamedFile: ExpressibleByArgument {
    let name: String
    let path: String

    init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2, !["forget", "retain", "keep", "holdout"].contains(parts[0]),
            parts[0].utf8.allSatisfy({ Character(UnicodeScalar($0)).isLetter || Character(UnicodeScalar($0)).isNumber || $0 == 0x5F })
        else { return nil }
        (name, path) = (parts[0], parts[1])
    }
}

extension Policy: ExpressibleByArgument {
    public init?(argument: String) { self.init(name: argument) }
}
