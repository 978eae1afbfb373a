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
    @Option(help: ArgumentHelp("How to forget.", valueName: "fisher-targeted|fisher-removal|fisher-forgetting")) var method:
        EditRecipe.Method =
            .targetedRemoval
    @Option(help: "Text to forget.") var forget: String
    @Option(help: "General text that the model must stay good at; may be given more than once.") var retain: [String]
    @Option(help: "Records that must each keep their own loss.") var keep: String?
    @Option(help: "Unseen text like the forget text: its unedited loss is what the forget text is brought to.") var holdout: String?
    @Option(help: "Bring the forget text to this loss, in nats a token, instead.") var targetNll: Double?
    @Option(help: "Where the edited checkpoint goes.") var output: String
    @Flag(help: "Replace what is at --output.") var force = false
    @Flag(help: "Check everything and print the plan; write nothing.") var dryRun = false
    @OptionGroup var fisher: CurvatureOptions
    @Option(
        help: ArgumentHelp(
            "Of fisher-removal and fisher-forgetting: until the target is reached, or this multiple of F^-1 v.", valueName: "auto|ETA"))
    var strength = StrengthArgument(strength: .automatic)
    @Option(help: "Of fisher-forgetting: the noise's size, relative to the weights'.") var noise = 0.01
    @Option(help: "Change only tensors of such names, such as 'model.layers.*.mlp.*'; may be given more than once.")
    var layers: [String] = []
    @Option(help: "Change no tensor of such a name; may be given more than once.") var exclude: [String] = []
    @Option(help: "What random numbers are drawn from.") var seed: UInt64 = 0
    @Option(help: "The most rounds of direction and step.") var rounds: Int?
    @Option(help: "The most memory the process may take, such as 4GiB.") var memory: ByteCount?
    @OptionGroup var texts: TextOptions
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard noise > 0, noise.isFinite, rounds.map({ $0 > 0 }) ?? true else {
            throw ValidationError("--noise and --rounds must be positive.")
        }
        guard targetNll.map({ $0 > 0 && $0.isFinite }) ?? true else { throw ValidationError("--target-nll must be positive.") }
        _ = try fisher.kind(for: method)
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
        let opened = try OpenModel(model)
        let encoder = try opened.encoder(opened.tokenizer(), texts)
        var budget = MemoryBudget.standard
        if let memory { budget = MemoryBudget(bytes: memory.bytes) }
        let general = try retain.flatMap { try texts.records($0) }
        let records = EditRecords(
            forget: try encoder.examples(texts.records(forget), named: forget),
            keep: try keep.map { try encoder.examples(texts.records($0), named: $0) } ?? [],
            retain: try fisher.examples(of: general, encoder, named: retain.joined(separator: ", ")))
        let unseen = try holdout.map { try encoder.examples(texts.records($0), named: $0) }
        var recipe = EditRecipe(
            method: method, curvature: try fisher.kind(for: method), strength: strength.strength, damping: fisher.damping,
            rounds: rounds ?? EditRecipe.defaultRounds(method, strength.strength), target: targetNll ?? .infinity)
        (recipe.noise, recipe.seed) = (noise, seed)
        (recipe.selection.included, recipe.selection.excluded) = (layers.map(Glob.init), exclude.map(Glob.init))
        var plan = try EditPlan(opened.model, recipe, records, budget: budget, scratch: FilePath("."))
        if FileSystem.kind(of: FilePath(output)) != nil && !force { throw StorageError.outputExists(FilePath(output)) }
        if dryRun { return printPlan(plan) }

        let staged = try StagedDirectory(FilePath(output), replacing: force)
        Interruption.willStage(staged.scratch)
        plan.scratch = staged.scratch
        if let unseen { plan.recipe.target = try Scorer(opened.model, from: opened.model.checkpoint).score(unseen).meanRecordLoss }
        let outcome = try plan.run(progress: { progress.begin($0) })
        let edited = outcome.rounds.isEmpty ? [] : Set(plan.parameters)
        progress.begin("writing \(output)")
        try CheckpointWriter(
            like: opened.model.checkpoint, edited: edited, from: EditedWeights(opened.model.checkpoint, sum: outcome.change)
        ).write(to: staged, beside: opened.model.files.companions())
        try staged.commit()

        let written = try LanguageModel(FileTree(directory: FilePath(output)))
        let result = try Scorer(written, from: written.checkpoint).score(records.forget)
        guard common.json else {
            printRounds(outcome, target: plan.recipe.target, reached: result)
            return
        }
        var report = Report("edit")
        try report.addInput("model", model, model: opened.model.checkpoint)
        try report.addInput("forget", file: forget)
        for path in retain { try report.addInput("retain", file: path) }
        if let keep { try report.addInput("keep", file: keep) }
        if let holdout { try report.addInput("holdout", file: holdout) }
        report.members = try members(outcome, plan, written, reached: result, prefix: encoder.prefix)
        report.print()
    }

    private func members(
        _ outcome: EditOutcome, _ plan: EditPlan, _ written: LanguageModel, reached: TextScore, prefix: Int32?
    ) throws -> [(name: String, value: JSONValue)] {
        [
            ("method", .string(plan.recipe.method.rawValue)),
            ("curvature", .string(plan.recipe.curvature.name)),
            ("block", plan.recipe.curvature.block.map(JSONValue.string) ?? .null),
            ("prefix", prefix.map { .integer(Int($0)) } ?? .null),
            ("target_nll", .number(plan.recipe.target)),
            ("parameters_edited", .integer(outcome.rounds.isEmpty ? 0 : plan.parameterCount)),
            (
                "rounds",
                .array(
                    outcome.rounds.map { round in
                        .members([
                            "forget_nll_predicted": .number(round.forgetPredicted), "forget_nll": .number(round.forget),
                            "keep_nll": round.keep.map(JSONValue.number) ?? .null, "retain_nll_predicted": .number(round.retainPredicted),
                            "retain_nll": .number(round.retain), "step": .number(round.step),
                        ])
                    })
            ),
            ("ending", .string(outcome.ending.rawValue)),
            ("forget_nll_written", .number(reached.meanRecordLoss)),
            ("tensors_edited", .array(outcome.rounds.isEmpty ? [] : plan.parameters.map(JSONValue.string))),
            (
                "memory",
                .members([
                    "budget_bytes": memory.map { .integer($0.bytes) } ?? .null, "planned_peak_bytes": .integer(plan.plannedPeak),
                    "measured_peak_bytes": .integer(FileSystem.peakResidentBytes),
                ])
            ),
            ("output_sha256", .string(try written.checkpoint.contentDigest().description)),
        ]
    }

    private func printRounds(_ outcome: EditOutcome, target: Double, reached: TextScore) {
        print("round   forget predicted   measured     keep   retain predicted   measured     step")
        for (index, round) in outcome.rounds.enumerated() {
            print(
                column(index + 1, 5) + column(decimals(round.forgetPredicted, 3), 19) + column(decimals(round.forget, 3), 11)
                    + column(round.keep.map { decimals($0, 3) } ?? "-", 9) + column(decimals(round.retainPredicted, 4), 19)
                    + column(decimals(round.retain, 4), 11) + column(decimals(round.step, 4), 9))
        }
        print(
            "\(outcome.ending.rawValue): the forget text is at \(decimals(reached.meanRecordLoss, 3)) nats a token in the written file\(target.isFinite ? ", target \(decimals(target, 3))" : ""); \(reached.recited) records are still recited."
        )
        print("peak memory \(FileSystem.peakResidentBytes >> 20) MiB; written to \(output)")
    }

    private func printPlan(_ plan: EditPlan) {
        let (model, records) = (plan.model, plan.records)
        print("method            \(plan.recipe.method.rawValue)")
        print("curvature         \(plan.recipe.curvature.name)\(plan.recipe.curvature.block.map { ", block \($0)" } ?? "")")
        print("tensors touched   \(plan.parameters.count) of \(model.checkpoint.tensors.count)")
        print("records           \(records.forget.count) to forget, \(records.keep.count) to keep, \(records.retain.count) retain samples")
        print("bytes written     \(model.checkpoint.shards.reduce(0) { $0 + $1.file.size })")
        print("scratch space     \(plan.scratchBytes) bytes beside the output")
        print("peak memory       \(plan.plannedPeak >> 20) MiB of \(plan.budget.bytes >> 20) MiB")
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
