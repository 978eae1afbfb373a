/// The special tokens that a template puts before and after a text.
struct PostProcessor: Sendable {
    private(set) var prefix: [Int32] = []
    private(set) var suffix: [Int32] = []

    /// The file's `post_processor`. Throws `unsupported` for a kind that is not known here.
    init(_ definition: TokenizerDefinition?, vocabulary: Vocabulary) throws(TokenizerError) {
        guard let definition else { return }
        var templates = 0
        try read(definition, vocabulary, &templates)
    }

    private mutating func read(
        _ definition: TokenizerDefinition, _ vocabulary: Vocabulary, _ templates: inout Int
    ) throws(TokenizerError) {
        switch try definition.type() {
        // Moves offsets only.
        case "ByteLevel": break
        case "TemplateProcessing":
            templates += 1
            guard templates == 1 else { throw definition.unsupported("a second template") }
            try readTemplate(definition, vocabulary)
        case "Sequence":
            for element in try definition.member("processors").elements() { try read(element, vocabulary, &templates) }
        case let kind: throw definition.unsupported("the post-processor \(kind)")
        }
    }

    private mutating func readTemplate(_ definition: TokenizerDefinition, _ vocabulary: Vocabulary) throws(TokenizerError) {
        let single = try definition.member("single")
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
                    if texts == 0 { prefix.append(known) } else { suffix.append(known) }
                }
            } else {
                let sequence = try piece.member("Sequence").member("id")
                guard try sequence.string() == "A" else { throw sequence.unsupported("a sequence other than A") }
                texts += 1
            }
        }
        guard texts == 1 else { throw single.unsupported("a template with \(texts) places for the text") }
    }
}
