internal import ArgumentParser
internal import Storage
internal import SystemPackage
internal import Transformer
internal import Verification

/// What is measured of two models besides their losses, where it is asked for or a gate names it.
struct MeasurementOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Records with a secret in digits: how exposed it is among others of its form.", valueName: "file"))
    var canaries: String?
    @Option(
        help: ArgumentHelp(
            "Records that were not to be forgotten: whether the edit laid them bare, the most exposed first.", valueName: "file"))
    var unforgotten: String?
    @Option(help: "How many candidates a canary is ranked among, where it has more; all of them otherwise.") var candidates = 256
    @Option(
        help: ArgumentHelp(
            "Measure with rounded weights too: \(IntegerRounding.names.joined(separator: ", ")). A gate that names one does so as well.",
            valueName: "name"))
    var round: [IntegerRounding] = []
    @Option(help: ArgumentHelp("Questions with true and false answers, for TOFU's truth ratio.", valueName: "file")) var perturbed: String?
    @Option(help: "The field of --perturbed with the true answer in other words.") var paraphraseField = "paraphrased_answer"
    @Option(help: "The field of --perturbed with an array of false answers.") var perturbedField = "perturbed_answer"
    @Option(
        help: ArgumentHelp(
            "Questions with \"answer\" and false answers, and paraphrases or alternatives, for TOFU's model utility.",
            valueName: "name=file"))
    var utility: [NamedFile] = []
    @Option(help: ArgumentHelp("Let the models complete records, by up to so many tokens.", valueName: "tokens")) var complete: Int?
    @Option(help: "0: records are completed by the likeliest tokens; otherwise tokens are drawn at this temperature.")
    var temperature = 0.0
    @Option(
        help: ArgumentHelp("How much of the forget text the models write by themselves, in runs of so many tokens.", valueName: "tokens"))
    var extract: Int?
    @OptionGroup var relearning: RelearningOptions
    @OptionGroup var tasks: TaskOptions
    @Option(help: ArgumentHelp("The report of excise edit --json: only the tensors it lists may differ.", valueName: "file"))
    var editReport: String?

    func validate() throws {
        guard candidates >= 2 else { throw ValidationError("--candidates is \(candidates); 2 or more is expected.") }
        guard complete.map({ (1...4096).contains($0) }) ?? true else { throw ValidationError("--complete takes 1 to 4096 tokens.") }
        guard extract.map({ (1...1024).contains($0) }) ?? true else { throw ValidationError("--extract takes 1 to 1024 tokens.") }
        guard Set(utility.map(\.name)).count == utility.count else { throw ValidationError("Two --utility have the same name.") }
        guard temperature >= 0, temperature.isFinite else {
            throw ValidationError("--temperature is \(temperature); it cannot be negative.")
        }
    }

    /// The files, before anything is measured.
    func read(_ format: TextOptions, _ encoder: RecordEncoder) throws -> MeasurementInputs {
        let fields = PerturbedAnswers.Fields(prompt: format.promptField, paraphrase: paraphraseField, perturbed: perturbedField)
        return MeasurementInputs(
            secrets: try canaries.map { try format.records($0) }, unforgotten: try unforgotten.map { try format.records($0) },
            answers: try perturbed.map { try PerturbedAnswers.read(FilePath($0), fields) },
            utility: try utility.map { file in
                let fields = PerturbedAnswers.Fields(
                    prompt: format.promptField, paraphrase: paraphraseField, perturbed: perturbedField, answer: "answer")
                return (file.name, try PerturbedAnswers.read(FilePath(file.path), fields))
            },
            tasks: try tasks.read(encoder), declared: try editReport.map { try EditDeclaration.tensors(report: FilePath($0)) })
    }

    /// How many tokens are written where records are completed; nil where none are.
    func completionLength(_ gates: [GateExpression]) -> Int? {
        complete ?? (gates.name("metrics.completions") ? Self.usualCompletion : nil)
    }

    private static let usualCompletion = 32

    /// The most tokens that are written after what is read; 0 where nothing is.
    func mostWritten(_ gates: [GateExpression]) -> Int { completionLength(gates) ?? (utility.isEmpty ? 0 : Self.usualCompletion) }

    func roundings(_ gates: [GateExpression]) -> [IntegerRounding] {
        IntegerRounding.names.compactMap(IntegerRounding.init(name:)).filter { round.contains($0) || gates.name("metrics.\($0.name)") }
    }

    /// Measures what was asked for.
    func measure(
        _ verification: Verification, _ inputs: MeasurementInputs, gates: [GateExpression], within budget: MemoryBudget
    ) throws -> VerificationFindings {
        var findings = try verification.findings()
        for rounding in roundings(gates) { findings.roundings.append(try verification.rounded(rounding, findings)) }
        if let canaries, let secrets = inputs.secrets {
            findings.exposures = try verification.exposures(of: secrets, named: canaries, candidates: candidates)
        }
        if let perturbed, let answers = inputs.answers {
            findings.truthRatios = try verification.truthRatios(of: answers, named: perturbed)
        }
        if let count = completionLength(gates) {
            findings.completions = try verification.completions(count: count, temperature: temperature)
        }
        if let unforgotten, let records = inputs.unforgotten {
            findings.onion = try verification.onion(of: records, named: unforgotten, candidates: candidates)
        }
        if let length = extract ?? (gates.name("metrics.extraction_likelihood") ? 10 : nil) {
            findings.extraction = try verification.extraction(length: length)
        }
        if !inputs.utility.isEmpty { findings.utility = try verification.utility(of: inputs.utility, count: mostWritten(gates)) }
        findings.relearned = try relearning.measure(verification, gates, within: budget)
        findings.tasks = try inputs.tasks.map(verification.result)
        if inputs.declared != nil || gates.name("metrics.locality") {
            findings.changes = try verification.changes(declared: inputs.declared)
        }
        return findings
    }

    func addInputs(to report: inout Report) throws {
        if let canaries { try report.addInput("canaries", file: canaries) }
        if let unforgotten { try report.addInput("unforgotten", file: unforgotten) }
        if let perturbed { try report.addInput("perturbed", file: perturbed) }
        for file in utility { try report.addInput(file.name, file: file.path) }
        for task in tasks.task { try report.addInput(task.name, file: task.path) }
        if let editReport { try report.addInput("edit-report", file: editReport) }
    }
}

/// What further measurements are made of.
struct MeasurementInputs {
    let secrets: [TextRecord]?
    let unforgotten: [TextRecord]?
    let answers: [PerturbedAnswers]?
    let utility: [(name: String, answers: [PerturbedAnswers])]
    let tasks: [TaskExamples]
    /// The tensors that an edit says it changed.
    let declared: [String]?

    /// Those of which variants are scored.
    var varied: [TextRecord] { (secrets ?? []) + (unforgotten ?? []) }

    /// Every record that is scored once.
    var records: [TextRecord] { (answers ?? []).flatMap(\.candidates) + utility.flatMap { $0.answers.flatMap(\.everyAnswer) } }
}

extension IntegerRounding: ExpressibleByArgument {
    public init?(argument: String) { self.init(name: argument) }
}
