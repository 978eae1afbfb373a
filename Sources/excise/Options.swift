internal import ArgumentParser
internal import Storage
internal import SystemPackage
internal import Tensors
internal import Transformer
internal import Verification

/// What every command understands.
struct CommonOptions: ParsableArguments {
    @Flag(help: "Print one JSON document and nothing else.")
    var json = false

    @Option(help: "How many threads work at once.")
    var threads: Int = 2

    @Option(help: ArgumentHelp("Progress on standard error: auto or none.", valueName: "auto|none"))
    var progress: ProgressStyle = .auto

    enum ProgressStyle: String, ExpressibleByArgument, CaseIterable { case auto, none }

    func validate() throws {
        guard (1...1024).contains(threads) else { throw ValidationError("--threads is \(threads); 1 to 1024 is expected.") }
    }

    /// To be called once, before any work.
    func begin() -> Progress {
        RowParallel.threads = threads
        return Progress(isSilent: progress == .none)
    }
}

/// How the records of a text are found and what stands before them.
struct TextOptions: ParsableArguments {
    /// What a text may be, for each command that takes one.
    static let files = """
        A text is a file of records: .jsonl (a JSON object with "text", or "prompt" and "completion", a line; with "token_spans" beside it, pairs \
        [from, to), only these of its tokens count), .txt, or token ids in .npy or \
        .safetensors (one dimension: a record; two: a record a row; tensors in the order of their names). Each may be compressed: .gz or .zst \
        follows.
        """

    @Option(help: "The field of a record that holds its text.")
    var textField = "text"

    @Option(help: "The field of a record that holds its prompt, which is not scored.")
    var promptField = "prompt"

    @Option(help: "The field of a record that holds its completion.")
    var completionField = "completion"

    @Option(help: ArgumentHelp("What a record of a .txt file is.", valueName: "whole|lines|paragraphs"))
    var split: TextFormat.Split = .whole

    @Option(help: ArgumentHelp("The token before every record: auto, none or a token's id.", valueName: "auto|none|ID"))
    var prefix: PrefixArgument = PrefixArgument(prefix: .automatic)

    /// The records of a file.
    func records(_ path: String) throws -> [TextRecord] { try TextFile.records(FilePath(path), format: format) }

    /// The records of a file one after the other, where it may be too large to hold.
    func forEachRecord(_ path: String, _ body: (TextRecord) throws -> Void) throws {
        try TextFile.forEach(FilePath(path), format: format, body)
    }

    private var format: TextFormat {
        var format = TextFormat()
        format.textField = textField
        format.promptField = promptField
        format.completionField = completionField
        format.split = split
        return format
    }
}

extension TextFormat.Split: ExpressibleByArgument {}

struct PrefixArgument: ExpressibleByArgument {
    let prefix: Prefix

    init(prefix: Prefix) { self.prefix = prefix }

    init?(argument: String) {
        switch argument {
        case "auto": prefix = .automatic
        case "none": prefix = .none
        default:
            guard let id = Int32(argument) else { return nil }
            prefix = .token(id)
        }
    }

    var defaultValueDescription: String { "auto" }
}

/// A number of bytes: 4GiB, 512MiB, 2GB, or plain bytes.
struct ByteCount: ExpressibleByArgument {
    let bytes: Int

    init(bytes: Int) { self.bytes = bytes }

    var defaultValueDescription: String { bytes.isMultiple(of: 1 << 40) ? "\(bytes >> 40)TiB" : "\(bytes)" }

    init?(argument: String) {
        let units: [(String, Int)] = [
            ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40), ("KB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000),
            ("TB", 1_000_000_000_000), ("", 1),
        ]
        for (unit, factor) in units where argument.hasSuffix(unit) {
            guard let number = Double(argument.dropLast(unit.count)), number > 0, number * Double(factor) < 1e15 else { continue }
            bytes = Int(number * Double(factor))
            return
        }
        return nil
    }
}
