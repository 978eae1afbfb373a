internal import ArgumentParser
internal import Checkpoints
internal import Storage
internal import Surgery
internal import SystemPackage
internal import Transformer
internal import Verification

struct EditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "edit", abstract: "Write a checkpoint that has forgotten a text.", discussion: TextOptions.files)

    @Argument(help: "The model: a directory or archive. It is never changed.") var model: String
    @Option(help: ArgumentHelp("How to forget.", valueName: "fisher-targeted|fisher-removal|fisher-forgetting|gradient-ascent")) var method:
        EditRecipe.Method =
            .targetedRemoval
    @Option(help: "Text to forget.") var forget: String
    @Option(help: "General text that the model must stay good at; may be given more than once.") var retain: [String]
    @Option(help: "Records that must each keep their own loss.") var keep: String?
    @Option(help: "Unseen text like the forget text: its unedited loss is what the forget text is brought to.") var holdout: String?
    @Option(help: "Bring the forget text to this loss, in nats a token, instead.") var targetNll: Double?
    @Option(help: ArgumentHelp("How far the retain text's perplexity may rise, such as 1% or 0.01.", valueName: "part"))
    var retainBound = PartArgument(0.01)
    @Flag(help: "Write the best edit within --retain-bound where the target cannot be reached within it.") var bestEffort = false
    @Option(
        help: """
            How many records of the retain text that resemble the forget text are held at their own loss, beside part of the holdout; \
            as many as there are records to forget, from 16 to 64, where it is not given.
            """) var neighbours: Int?
    @Option(help: "Where the edited checkpoint goes.") var output: String
    @Option(help: "Where a patch that makes the edited checkpoint of the model goes, if anywhere.") var patchOutput: String?
    @Flag(help: "Replace what is at --output and --patch-output.") var force = false
    @Flag(help: "Go on with the same edit after the last round that had ended when it was cut off.") var resume = false
    @Flag(help: "Check everything and print the plan; write nothing.") var dryRun = false
    @OptionGroup var fisher: CurvatureOptions
    @Option(
        help: ArgumentHelp(
            "Of fisher-removal and fisher-forgetting: until the target is reached, or this multiple of F^-1 v.", valueName: "auto|ETA"))
    var strength = StrengthArgument(strength: .automatic)
    @Option(help: "Of fisher-forgetting: the noise's size, relative to the weights'.") var noise = 0.01
    @OptionGroup var change: SelectionOptions
    @Option(help: "What random numbers are drawn from.") var seed: UInt64 = 0
    @Option(help: "The most rounds of direction and step.") var rounds: Int?
    @Option(help: "The most memory the process may take, such as 4GiB.") var memory: ByteCount?
    @OptionGroup var texts: TextOptions
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard noise > 0, noise.isFinite, rounds.map({ $0 > 0 }) ?? true else {
            throw ValidationError("--noise and --rounds must be positive.")
        }
        guard neighbours.map({ $0 >= 0 }) ?? true else { throw ValidationError("--neighbours must not be negative.") }
        guard targetNll.map({ $0 > 0 && $0.isFinite }) ?? true else { throw ValidationError("--target-nll must be positive.") }
        try change.check(method, fisher.kind(for: method))
        var needsTarget = true
        if case .fixed(let eta) = strength.strength {
            needsTarget = false
            guard method != .targetedRemoval else { throw ValidationError("fisher-targeted needs no --strength.") }
            guard method == .forgetting || eta != 0 else { throw ValidationError("--strength 0 does nothing.") }
        }
        guard !needsTarget || (holdout == nil) != (targetNll == nil) else {
            throw ValidationError(
                "Give --holdout, unseen text like the forget text, or --target-nll, and not both: it says how far to forget.")
        }
    }

    func run() throws {
        let progress = common.begin()
        let meter = EditMeter { event in
            switch event {
            case .begins(let work): progress.begin(work, of: "layers")
            case .passed(let done, let all): progress.advance(done, all)
            }
        }
        let opened = try OpenModel(model)
        let encoder = try opened.encoder(opened.tokenizer(), texts)
        var budget = MemoryBudget.standard
        if let memory { budget = MemoryBudget(bytes: memory.bytes) }
        let unseen = try holdout.map { try encoder.examples(texts.records($0), named: $0) }
        let records = try records(encoder, unseen ?? [])
        var recipe = EditRecipe(
            method: method, curvature: try fisher.kind(for: method), strength: strength.strength, damping: fisher.damping,
            rounds: rounds ?? EditRecipe.defaultRounds(method, strength.strength), target: targetNll)
        (recipe.noise, recipe.seed, recipe.retainBound) = (noise, seed, retainBound.value)
        (recipe.selection, recipe.salience) = (change.selection, change.salience?.value)
        var plan = try EditPlan(opened.model, recipe, records, budget: budget, scratch: FilePath("."), meter: meter)
        let history = try EditHistory(of: opened.model.files)
        if FileSystem.kind(of: FilePath(output)) != nil && !force { throw StorageError.outputExists(FilePath(output)) }
        // Before the scratch files are this process's: an error then would take with it what an edit that was cut off has done.
        let scratch = StagedDirectory.scratch(for: FilePath(output))
        let patch = try patchOutput.map { try EditedPatch(FilePath($0), replacing: force, scratch: scratch, resuming: resume) }
        if dryRun { return print(plan) }

        let baseDigest = try opened.model.checkpoint.contentDigest()
        let tokens = TokenDigest.of([
            records.forget, records.keep, records.held, records.retain, records.watched, records.unseen,
        ])
        let work = "\(Excise.version) edit \(baseDigest) \(recipe) \(tokens)"
        let staged = try StagedDirectory(FilePath(output), replacing: force, work: work, resuming: resume)
        // With --resume, what is done stays when the work is interrupted.
        if !resume { Interruption.willStage(staged.scratch) }
        (plan.scratch, plan.journal) = (staged.scratch, RoundsJournal(in: staged.scratch))
        let outcome = try plan.run()
        var report = EditReport(plan: plan, outcome: outcome, prefix: encoder.prefix, budget: memory?.bytes)
        if outcome.meets(recipe.strength) || bestEffort {
            progress.begin("writing \(output)")
            let edited = EditedCheckpoint(plan, outcome, baseDigest: baseDigest)
            let digest = try edited.write(
                to: staged, after: history, tool: Excise.version, forgotten: InputFile(FilePath(forget)).sha256())
            report.patch = try patch?.write(from: opened.model.checkpoint, to: staged.contents)
            try staged.commit()
            let written = try LanguageModel(FileTree(directory: FilePath(output)))
            report.written = (try Scorer(written, from: written.checkpoint).score(records.forget), digest, output)
        }
        try print(report, baseDigest)
        if !outcome.meets(recipe.strength) { throw ExitCode(1) }
    }

    private func records(_ encoder: RecordEncoder, _ unseen: [Example]) throws -> EditRecords {
        let general = try retain.flatMap { try texts.records($0) }
        let name = retain.joined(separator: ", ")
        let samples = try fisher.examples(EditRecords.withWatched(fisher.samples), of: general, encoder, named: name)
        let candidates = try encoder.samples(EditRecords.mostCandidates, length: fisher.sampleTokens, of: general, named: name)
        return EditRecords(
            forget: try encoder.examples(texts.records(forget), named: forget),
            keep: try keep.map { try encoder.examples(texts.records($0), named: $0) } ?? [], unseen: unseen, samples: samples,
            candidates: candidates, neighbours: neighbours)
    }

    private func print(_ report: EditReport, _ baseDigest: SHA256Digest) throws {
        guard common.json else { return report.print() }
        var document = Report("edit")
        document.addInput("model", model, baseDigest)
        try document.addInput("forget", file: forget)
        for path in retain { try document.addInput("retain", file: path) }
        if let keep { try document.addInput("keep", file: keep) }
        if let holdout { try document.addInput("holdout", file: holdout) }
        document.members = report.members
        document.print(exitCode: report.outcome.meets(strength.strength) ? 0 : 1)
    }

    private func print(_ plan: EditPlan) {
        let (model, records) = (plan.model, plan.records)
        Swift.print("method            \(plan.recipe.method.rawValue)")
        Swift.print("curvature         \(plan.recipe.curvature.name)\(plan.recipe.curvature.block.map { ", block \($0)" } ?? "")")
        Swift.print("tensors touched   \(plan.parameters.count) of \(model.checkpoint.tensors.count)")
        Swift.print(
            "records           \(records.forget.count) to forget, \(records.keep.count) to keep, \(records.held.count) held, "
                + "\(records.retain.count) retain samples")
        Swift.print("bytes written     \(model.checkpoint.shards.reduce(0) { $0 + $1.file.size })")
        Swift.print("scratch space     \(plan.scratchBytes) bytes beside the output")
        Swift.print("peak memory       \(plan.plannedPeak >> 20) MiB of \(plan.budget.bytes >> 20) MiB")
    }
}

extension EditRecipe.Method: ExpressibleByArgument {}

struct StrengthArgument: ExpressibleByArgument {
    let strength: EditRecipe.Strength

    init(strength: EditRecipe.Strength) { self.strength = strength }

    init?(argument: String) {
        if argument == "auto" {
            strength = .automatic
        } else {
            guard let eta = Double(argument), eta.isFinite else { return nil }
            strength = .fixed(eta)
        }
    }

    var defaultValueDescription: String { "auto" }
}
