internal import ArgumentParser
internal import Checkpoints
internal import Storage
internal import SystemPackage
internal import Tensors

struct ConvertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert", abstract: "Writes a model anew: another dtype, other shards, the canonical order, from any container.")

    @Argument(help: "The model.") var model: String
    @Argument(help: "The directory that it is written to.") var output: String
    @Option(help: ArgumentHelp("What F32, F16 and BF16 tensors become.", valueName: "f32|f16|bf16")) var dtype: DTypeArgument?
    @Option(help: "The most bytes of tensors in a file, such as 5GB; otherwise all go into one, or with --order preserve into the input's.")
    var shardSize: ByteCount?
    @Option(
        help: ArgumentHelp(
            "The tensors' order in a file: the one that depends on them alone, or the input's.", valueName: "canonical|preserve"))
    var order: CheckpointLayout.Order = .canonical
    @Option(help: ArgumentHelp("How a value that the dtype cannot hold becomes one that it can.", valueName: "nearest|stochastic"))
    var rounding: RoundingArgument = .nearest
    @Option(help: "The seed of stochastic rounding.") var seed: UInt64 = 0
    @Flag(help: "Replace what is at the output.") var force = false
    @Flag(help: "Go on with the same conversion where it was cut off.") var resume = false
    @Flag(help: "Check everything and print the plan; write nothing.") var dryRun = false
    @OptionGroup var common: CommonOptions

    func run() throws {
        let progress = common.begin()
        let place = try ModelPlace(model)
        let source = try place.conversionSource
        var conversion = Conversion()
        conversion.dtype = dtype?.dtype
        conversion.shardSize = shardSize?.bytes
        conversion.order = order
        conversion.rounding = rounding == .stochastic ? .stochastic(seed: seed) : .nearest
        let layout = conversion.layout(of: source)
        if FileSystem.kind(of: FilePath(output)) != nil && !force { throw StorageError.outputExists(FilePath(output)) }
        if !dryRun {
            let work = "\(Excise.version) \(conversion) \(source.identity)"
            let staged = try StagedDirectory(FilePath(output), replacing: force, work: work, resuming: resume)
            progress.begin("writing \(output)")
            try conversion.write(source, to: staged)
            try staged.commit()
        }
        try report(layout, of: source)
    }

    private func report(_ layout: CheckpointLayout, of source: ConversionSource) throws {
        let bytes = layout.shards.reduce(0) { $0 + $1.layout.byteCount }
        let after = layout.shards.flatMap(\.layout.tensors)
        let converted = Set(source.tensors.map { "\($0.name)\u{0}\($0.dtype)" })
        let count = after.count { !converted.contains("\($0.name)\u{0}\($0.dtype)") }
        guard common.json else {
            print("tensors         \(after.count), \(count) of them converted")
            for (name, layout) in layout.shards { print("file            \(name) (\(layout.byteCount) bytes)") }
            print(dryRun ? "nothing was written" : "written to      \(output)")
            return
        }
        var report = Report("convert")
        let written = dryRun ? nil : try Checkpoint(FileTree(directory: FilePath(output))).contentDigest()
        report.addInput("model", model, nil)
        report.members = [
            ("output", .string(output)),
            ("tensors", .integer(after.count)),
            ("converted", .integer(count)),
            ("bytes", .integer(bytes)),
            ("shards", .array(layout.shards.map { .members(["path": .string($0.name), "bytes": .integer($0.layout.byteCount)]) })),
            ("content_digest", written.map { .string($0.description) } ?? .null),
        ]
        report.print()
    }
}

extension CheckpointLayout.Order: ExpressibleByArgument {}

enum RoundingArgument: String, ExpressibleByArgument { case nearest, stochastic }

struct DTypeArgument: ExpressibleByArgument {
    let dtype: DType

    init?(argument: String) {
        guard let dtype = DType(rawValue: argument.uppercased()), dtype.isComputable else { return nil }
        self.dtype = dtype
    }
}
