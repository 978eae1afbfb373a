internal import ArgumentParser
internal import Storage
internal import SystemPackage
internal import Tokenizers

struct TokenizeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokenize", abstract: "Text to token ids and back.", discussion: TextOptions.files)

    @Argument(help: "A model's directory, or its tokenizer.json.") var model: String
    @Option(help: "A text.") var text: String?
    @Option(help: "A file of records.") var file: String?
    @Option(help: "Token ids, separated by commas, to turn back into text.") var decode: TokenList?
    @Flag(help: "Add what the tokenizer puts around a text.") var special = false
    @OptionGroup var texts: TextOptions
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard [text != nil, file != nil, decode != nil].count(where: { $0 }) == 1 else {
            throw ValidationError("Give exactly one of --text, --file and --decode.")
        }
    }

    func run() throws {
        _ = common.begin()
        let tokenizer: Tokenizer
        let sources: [InputFile]
        switch try ModelPlace(model) {
        case .files(let files):
            tokenizer = try Tokenizer(files)
            sources = try Tokenizer.fileNames(in: files).map { try files.file($0) }
        case .single(let file): (tokenizer, sources) = (try Tokenizer(file: file), [file])
        }
        var report = Report("tokenize")
        if common.json {
            for source in sources { report.addInput("tokenizer", source.path.string, try source.sha256()) }
            if let file { try report.addInput("file", file: file) }
        }
        if let decode {
            let text = try tokenizer.decode(decode.ids, skippingSpecialTokens: false)
            report.members = [("text", .string(text))]
            if common.json { report.print() } else { print(text) }
        } else if let file {
            try tokenize(file, tokenizer, &report)
        } else {
            let ids = try tokenizer.encode(text ?? "", addingSpecialTokens: special)
            report.members = [("ids", .array(ids.map { .integer(Int($0)) }))]
            if common.json { report.print() } else { print(ids.map(String.init).joined(separator: " ")) }
        }
    }

    /// Prints each record's ids as they come, in a line; for a JSON document they wait on disk, so that an error can still be all of it.
    private func tokenize(_ file: String, _ tokenizer: Tokenizer, _ report: inout Report) throws {
        var encoder = TextEncoder(tokenizer)
        var ids: [Int32] = []
        var output: [UInt8] = []
        var spool = common.json ? try Spool(in: FilePath(Environment.value(of: "TMPDIR") ?? "/tmp")) : nil
        var isFirst = true
        func flush(beyond limit: Int) throws {
            guard output.count > limit else { return }
            if common.json { try spool?.append(output) } else { try FileDescriptor.standardOutput.writeAll(output) }
            output.removeAll(keepingCapacity: true)
        }
        try texts.forEachRecord(file) { record in
            ids.removeAll(keepingCapacity: true)
            try encode(record, &encoder, into: &ids)
            if common.json { output += (isFirst ? "\n    {\"ids\": [" : ",\n    {\"ids\": [").utf8 }
            output.append(ids, separator: common.json ? ", " : " ")
            output += (common.json ? "]}" : "\n").utf8
            isFirst = false
            try flush(beyond: 1 << 16)
        }
        try flush(beyond: 0)
        guard common.json else { return }
        report.members = [("records", .array([]))]
        let (head, tail) = report.text(around: "\"records\": [")
        try FileDescriptor.standardOutput.writeAll(head.utf8)
        try spool?.forEachBlock { try FileDescriptor.standardOutput.writeAll($0) }
        try FileDescriptor.standardOutput.writeAll(("\n  " + tail + "\n").utf8)
    }

    private func encode(_ record: TextRecord, _ encoder: inout TextEncoder, into ids: inout [Int32]) throws {
        switch record {
        case .text(let text): try encoder.encode(text, addingSpecialTokens: special, into: &ids)
        case .completion(let prompt, let completion):
            try encoder.encode(prompt, addingSpecialTokens: special, into: &ids)
            try encoder.encode(completion, addingSpecialTokens: false, into: &ids)
        case .tokens(let given): ids += given
        case .part(let whole, _): try encode(whole, &encoder, into: &ids)
        }
    }
}

extension [UInt8] {
    /// Appends numbers in decimal.
    fileprivate mutating func append(_ numbers: [Int32], separator: String) {
        let separator = Array(separator.utf8)
        for (index, number) in numbers.enumerated() {
            if index > 0 { self += separator }
            let start = count
            var rest = number.magnitude
            repeat {
                append(UInt8(ascii: "0") + UInt8(rest % 10))
                rest /= 10
            } while rest > 0
            self[start...].reverse()
        }
    }
}

/// Token ids separated by commas.
struct TokenList: ExpressibleByArgument {
    let ids: [Int32]

    init?(argument: String) {
        var ids: [Int32] = []
        for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
            guard let id = Int32(part.drop { $0 == " " }), id >= 0 else { return nil }
            ids.append(id)
        }
        self.ids = ids
    }
}
