internal import ArgumentParser
internal import Checkpoints
internal import Comparison
internal import Storage
internal import SystemPackage

struct DiffCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "How two checkpoints' tensors differ; exits 0 if they are identical, 1 if not.",
        discussion: """
            Containers, shards and order do not matter; the shape, the dtype and the bytes of each tensor do. Statistics are over d = B - A, \
            and over the pairs of finite elements: NaN and infinities are counted and left out.

            With --threshold it exits 1 only if some tensor's --only-stat is above the bound, or cannot be computed (tensors that were \
            added or removed, other shapes), or there are other numbers of NaN or infinities than before.
            """)

    @Argument(help: "A model: a directory, an archive, a .safetensors, .bin or .gguf file, or a name in the cache.") var before: String
    @Argument(help: "Another.") var after: String
    @Option(help: "How many tensors the table shows.") var top = 20
    @Option(help: ArgumentHelp("The statistic that counts: the table's order and only column.", valueName: "statistic"))
    var onlyStat: Statistic?
    @Option(help: ArgumentHelp("Exit 1 only if a tensor's --only-stat is above this.", valueName: "bound")) var threshold: Double?
    @Flag(help: "Histograms, moments and distances of the weights' distributions too.") var distributions = false
    @Flag(help: "The largest singular values of each difference too.") var spectra = false
    @Flag(help: "Power laws fitted to the tails of both sides' spectra too; slow for wide models.") var tails = false
    @Option(help: "What random projections are drawn from.") var seed: UInt64 = 0
    @Option(help: "A bound on the process's memory: spectra that need more are left out.") var memory = ByteCount(bytes: 4 << 30)
    @Flag(help: "Print every tensor's numbers as CSV.") var csv = false
    @Flag(help: "Print the table as Markdown.") var markdown = false
    @Option(help: ArgumentHelp("Write pictures there, with distributions and spectra.", valueName: "directory")) var svg: String?
    @Option(help: ArgumentHelp("Write a page with pictures and tables, with distributions and spectra.", valueName: "file")) var html:
        String?
    @Flag(help: "Replace what is at --svg and --html.") var force = false
    @Flag(inversion: .prefixedNo, help: "With --json, the models' digests.") var digest = true
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard top >= 0 else { throw ValidationError("--top is \(top); 0 or more is expected.") }
        guard threshold == nil || onlyStat != nil else {
            throw ValidationError("--threshold is a bound on one statistic: name it with --only-stat.")
        }
        guard threshold?.isNaN != true else { throw ValidationError("--threshold is no number.") }
        guard [common.json, csv, markdown].count(where: { $0 }) < 2 else {
            throw ValidationError("--json, --csv and --markdown are different outputs: give one of them.")
        }
    }

    func run() throws {
        let progress = common.begin()
        let (old, new) = (try ModelPlace(before), try ModelPlace(after))
        for output in [svg, html] where output.map({ FileSystem.kind(of: FilePath($0)) != nil && !force }) ?? false {
            throw StorageError.outputExists(FilePath(output ?? ""))
        }
        let sources = (before: try old.conversionSource, after: try new.conversionSource)
        progress.begin("comparing \(before) and \(after)", of: "bytes")
        let comparison = try CheckpointComparison(sources.before, sources.after, needs, progress: progress.advance)
        let exceeding = onlyStat.flatMap { statistic in threshold.map { comparison.tensors(above: $0, of: statistic) } }
        try writePictures(comparison)
        let code: Int32 = (exceeding?.isEmpty ?? comparison.isIdentical) ? 0 : 1
        if common.json {
            var report = Report("diff")
            report.addInput("before", before, digest ? try old.contentDigest : nil)
            report.addInput("after", after, digest ? try new.contentDigest : nil)
            report.members = comparison.members
            if let onlyStat, let threshold, let exceeding {
                report.members.append(
                    (
                        "gate",
                        .members([
                            "statistic": .string(onlyStat.rawValue), "threshold": .number(threshold),
                            "exceeding": .array(exceeding.map { .string($0.name) }),
                        ])
                    ))
            }
            report.print(exitCode: code)
        } else if csv {
            print(comparison.spreadsheet.csv, terminator: "")
        } else {
            printTable(comparison, exceeding)
        }
        if code != 0 { throw ExitCode(code) }
    }

    private var needs: ComparisonNeeds {
        var needs = ComparisonNeeds()
        let isDrawn = svg != nil || html != nil
        needs.distributions = distributions || isDrawn || onlyStat?.needsDistribution ?? false
        (needs.spectra, needs.tails, needs.seed, needs.memory) = (spectra || isDrawn, tails, seed, memory.bytes)
        return needs
    }

    private func writePictures(_ comparison: CheckpointComparison) throws {
        if let svg {
            let staged = try StagedDirectory(FilePath(svg), replacing: force)
            Interruption.willStage(staged.scratch)
            for (name, contents) in ComparisonFigures(comparison).files {
                let file = try staged.create(name)
                try file.write(Array(contents.utf8))
                try file.finish()
            }
            try staged.commit()
        }
        if let html {
            let file = try AtomicFile(FilePath(html), replacing: force)
            Interruption.willStage(file.staging)
            try file.write(Array(ComparisonPage(comparison, before: before, after: after, top: top).document.utf8), at: 0)
            try file.commit()
        }
    }

    private func printTable(_ comparison: CheckpointComparison, _ exceeding: [TensorComparison]?) {
        let ranking = comparison.ranking(by: onlyStat ?? .relativeL2)
        let table = CheckpointComparison.table(Array(ranking.prefix(top)), only: onlyStat)
        if !ranking.isEmpty && top > 0 { print((markdown ? table.markdown : table.text) + "\n") }
        let spectra = CheckpointComparison.spectra(Array(ranking.prefix(top)))
        if self.spectra || tails, !spectra.rows.isEmpty { print((markdown ? spectra.markdown : spectra.text) + "\n") }
        if ranking.count > top { print("\(ranking.count - top) more differ; --top shows more.") }
        print(comparison.summary)
        if let onlyStat, let threshold, let exceeding {
            let verdict = exceeding.isEmpty ? "No tensor's" : "\(exceeding.count) tensors'"
            print("\(verdict) \(onlyStat.rawValue) is above \(threshold).")
        }
    }
}

extension Statistic: ExpressibleByArgument {}

extension ModelPlace {
    /// Of the tensors; of a GGUF file, of its bytes.
    fileprivate var contentDigest: SHA256Digest {
        get throws {
            if case .single(let file) = self, file.path.extension?.lowercased() == "gguf" { return try file.sha256() }
            return try checkpoint.contentDigest()
        }
    }
}
