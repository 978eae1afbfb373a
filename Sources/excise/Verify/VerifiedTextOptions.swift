internal import ArgumentParser
internal import Storage
internal import SystemPackage
internal import Verification

/// The texts that two models are judged on.
struct VerifiedTextOptions: ParsableArguments {
    @Option(help: "Text that was to be forgotten.") var forget: String
    @Option(help: "General text that the model must stay good at.") var retain: [String]
    @Option(help: "Records that were to keep their own loss.") var keep: String?
    @Option(help: "Unseen text like the forget text.") var holdout: String?
    @Option(help: ArgumentHelp("A further text to measure both on, reported under texts.NAME.", valueName: "name=file"))
    var text: [NamedFile] = []
    @OptionGroup var format: TextOptions

    func validate() throws {
        let names = text.map(\.name)
        guard Set(names).count == names.count else { throw ValidationError("Two --text have the same name.") }
    }

    /// The names of those that not every edit has.
    var given: Set<String> { Set(["keep": keep, "holdout": holdout].filter { $0.value != nil }.map(\.key)) }

    func read(_ encoder: RecordEncoder) throws -> VerificationTexts {
        func text(_ paths: [String]) throws -> VerifiedText {
            try VerifiedText(paths.flatMap { try format.records($0) }, named: paths.joined(separator: ", "), encoder)
        }
        var result = VerificationTexts(
            forget: try text([forget]), retain: try text(retain), keep: try keep.map { try text([$0]) },
            holdout: try holdout.map { try text([$0]) })
        result.others = try self.text.map { ($0.name, try text([$0.path])) }
        return result
    }

    func addInputs(to report: inout Report) throws {
        try report.addInput("forget", file: forget)
        for path in retain { try report.addInput("retain", file: path) }
        if let keep { try report.addInput("keep", file: keep) }
        if let holdout { try report.addInput("holdout", file: holdout) }
        for file in text { try report.addInput(file.name, file: file.path) }
    }
}
