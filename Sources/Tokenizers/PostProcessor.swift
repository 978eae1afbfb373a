internal import Storage

/// The special tokens that a template puts before and after a text.
struct PostProcessor: Sendable {
    private(set) var prefix: [Int32] = []
    private(set) var suffix: [Int32] = []

    init(prefix: [Int32], suffix: [Int32]) { (self.prefix, self.suffix) = (prefix, suffix) }

    /// The file's `post_processor`. Throws `unsupported` for a kind that is not known here.
    init(_ definition: TokenizerDefinition?, vocabulary: Vocabulary) throws(TokenizerError) {
        guard let definition else { return }
        try read(definition, vocabulary)
    }

    private mutating func read(_ definition: TokenizerDefinition, _ vocabulary: Vocabulary) throws(TokenizerError) {
        switch try definition.type() {
        // Moves offsets only.
        case "ByteLevel": break
        case "TemplateProcessing": try readTemplate(definition, vocabulary)
        case "BertProcessing", "RobertaProcessing":
            let (start, end) = (try Self.named(try definition.member("cls")), try Self.named(try definition.member("sep")))
            (prefix, suffix) = ([start] + prefix, suffix + [end])
        case "Sequence":
            for element in try definition.member("processors").elements() { try read(element, vocabulary) }
        case let kind: throw definition.unsupported("the post-processor \(kind)")
        }
    }

    /// Around what processors before it have put there.
    private mutating func readTemplate(_ definition: TokenizerDefinition, _ vocabulary: Vocabulary) throws(TokenizerError) {
        let single = try definition.member("single")
        var (before, after): ([Int32], [Int32]) = ([], [])
        var texts = 0
        for piece in try single.elements() {
            if let special = piece.optional("SpecialToken") {
                let tokens = try definition.member("special_tokens").member(special.member("id").string())
                for entry in try tokens.member("ids").elements() {
                    let identifier = try entry.integer()
                    guard let known = Int32(exactly: identifier), vocabulary[known] != nil else {
                        throw .identifierOutOfRange(
                            file: entry.file, item: entry.item, identifier: identifier, limit: vocabulary.size)
                    }
                    if texts == 0 { before.append(known) } else { after.append(known) }
                }
            } else {
                let sequence = try piece.member("Sequence").member("id")
                guard try sequence.string() == "A" else { throw sequence.unsupported("a sequence other than A") }
                texts += 1
            }
        }
        guard texts == 1 else { throw single.unsupported("a template with \(texts) places for the text") }
        (prefix, suffix) = (before + prefix, suffix + after)
    }

    /// The id of a token with its id: `["[CLS]", 101]`.
    private static func named(_ definition: TokenizerDefinition) throws(TokenizerError) -> Int32 {
        guard let pair = definition.value.array, pair.count == 2, pair[0].string != nil, let identifier = pair[1].integer,
            (0..<Vocabulary.identifierLimit).contains(identifier)
        else { throw .wrongType(file: definition.file, item: definition.item, expected: "a token with its id") }
        return Int32(identifier)
    }
}
