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
        let place = try ModelPlace(model)
        let definition: InputFile
        switch place {
        case .files(let files): definition = try files.file("tokenizer.json")
        case .single(let single): definition = single
        }
        let tokenizer = try Tokenizer(file: definition)
        var report = Report("tokenize")
        if common.json { report.addInput("tokenizer", definition.path.string, try definition.sha256()) }
        if let decode {
            let text = try tokenizer.decode(decode.ids, skippingSpecialTokens: false)
            report.members = [("text", .string(text))]
            if !common.json { print(text) }
        } else if let file {
            if common.json { try report.addInput("file", file: file) }
            var all: [JSONValue] = []
            for record in try texts.records(file) {
                let ids = try ids(record, tokenizer)
                if common.json { all.append(.members(["ids": list(ids)])) } else { print(ids.map(String.init).joined(separator: " ")) }
            }
            report.members = [("records", .array(all))]
        } else {
            let ids = try tokenizer.encode(text ?? "", addingSpecialTokens: special)
            report.members = [("ids", list(ids))]
            if !common.json { print(ids.map(String.init).joined(separator: " ")) }
        }
        if common.json { report.print() }
    }

    private func list(_ ids: [Int32]) -> JSONValue { .array(ids.map { .integer(Int($0)) }) }

    private func ids(_ record: TextRecord, _ tokenizer: Tokenizer) throws -> [Int32] {
        switch record {
        case .text(let text): try tokenizer.encode(text, addingSpecialTokens: special)
        case .completion(let prompt, let completion):
            try tokenizer.encode(prompt, addingSpecialTokens: special) + tokenizer.encode(completion, addingSpecialTokens: false)
        case .tokens(let ids): ids
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
