/// What cuts a text into the words that are encoded one by one. Every kind that is not a case here is refused by name.
indirect enum PreTokenizer: Sendable {
    case byteLevel(ByteLevel)
    case split(RegularExpression, SplitBehavior, inverted: Bool)
    case metaspace(Metaspace)
    /// Pieces of so many characters.
    case fixedLength(Int)
    case sequence([PreTokenizer])

    typealias Receiver = (_ word: Span<UInt8>) throws(TokenizerError) -> Void

    /// The file's `pre_tokenizer`. Throws `unsupported` for a kind that is not a case here.
    init(_ definition: TokenizerDefinition) throws(TokenizerError) {
        let (file, item) = (definition.file, definition.item)
        switch try definition.type() {
        case "ByteLevel": self = .byteLevel(try ByteLevel(definition))
        case "Split":
            let behavior = try SplitBehavior(try definition.member("behavior"))
            self = .split(try definition.pattern(), behavior, inverted: try definition.member("invert").boolean())
        case "Digits":
            let behavior: SplitBehavior = try definition.member("individual_digits").boolean() ? .isolated : .contiguous
            self = .split(try ScalarClass.number.expression(file, item), behavior, inverted: false)
        case "Punctuation":
            var behavior = SplitBehavior.isolated
            if let part = definition.optional("behavior") { behavior = try SplitBehavior(part) }
            self = .split(try ScalarClass.punctuation.expression(file, item), behavior, inverted: false)
        case "CharDelimiterSplit":
            let delimiter = String(Character(try definition.member("delimiter").scalar()))
            self = .split(try RegularExpression(literal: delimiter, file: file, item: item), .removed, inverted: false)
        case "WhitespaceSplit": self = .split(try ScalarClass.space.expression(file, item), .removed, inverted: false)
        case "Whitespace":
            let (word, space) = (ScalarClass.word.members, ScalarClass.space.members)
            let expression = try RegularExpression(classes: "[\(word)]+|[^\(word)\(space)]+", file: file, item: item)
            self = .split(expression, .removed, inverted: true)
        case "BertPreTokenizer":
            self = .sequence([
                .split(try ScalarClass.space.expression(file, item), .removed, inverted: false),
                .split(try ScalarClass.punctuation.expression(file, item), .isolated, inverted: false),
            ])
        case "UnicodeScripts": self = .split(try UnicodeScripts.expression(file, item), .removed, inverted: true)
        case "FixedLength":
            let length = definition.optional("length")
            guard case let count = try length?.integer() ?? 5, count > 0 else {
                throw .wrongType(file: file, item: (length ?? definition).item, expected: "a count of characters")
            }
            self = .fixedLength(count)
        case "Metaspace": self = .metaspace(try Metaspace(definition))
        case "Sequence":
            var stages: [PreTokenizer] = []
            for element in try definition.steps("pretokenizers") {
                let stage = try PreTokenizer(element)
                // Where a piece began in the text before others cut and rewrote it is not kept.
                if !stages.isEmpty, stage.dependsOnStart {
                    throw element.unsupported("the prepend_scheme first behind another pre-tokenizer")
                }
                stages.append(stage)
            }
            self = .sequence(stages)
        case let kind: throw definition.unsupported("the pre-tokenizer \(kind)")
        }
    }

    /// Whether the start of the text is treated unlike the rest of it.
    var dependsOnStart: Bool {
        switch self {
        case .byteLevel, .split, .fixedLength: false
        case .metaspace(let metaspace): metaspace.prepending == .first
        case .sequence(let stages): stages.contains { $0.dependsOnStart }
        }
    }

    /// Cuts a text that is not empty into words that are not empty either, and calls `receive` with them in order.
    ///
    /// - Parameter isAtStart: whether the text is the start of what is encoded; an added token may have been cut off before it.
    /// Throws `matchFailed`, `textTooLong` and what `receive` throws.
    func split(_ text: Span<UInt8>, isAtStart: Bool, _ limit: TextLimit, _ receive: Receiver) throws(TokenizerError) {
        switch self {
        case .byteLevel(let byteLevel): try byteLevel.split(text, receive)
        case .split(let expression, let behavior, let inverted):
            try behavior.forEachPiece(of: text, cutBy: expression, inverted: inverted) { (range) throws(TokenizerError) in
                try receive(text.extracting(range))
            }
        case .metaspace(let metaspace): try metaspace.split(text, isAtStart: isAtStart, receive)
        case .fixedLength(let count): try Self.splitLength(text, count, receive)
        case .sequence(let stages):
            var written = 0
            try Self.split(text, isAtStart: isAtStart, by: stages[...], limit, &written, receive)
        }
    }

    /// - Parameter written: how many bytes the stages have handed on, all together.
    private static func split(
        _ text: Span<UInt8>, isAtStart: Bool, by stages: ArraySlice<PreTokenizer>, _ limit: TextLimit, _ written: inout Int,
        _ receive: Receiver
    ) throws(TokenizerError) {
        guard let stage = stages.first else { return try receive(text) }
        try stage.split(text, isAtStart: isAtStart, limit) { (piece) throws(TokenizerError) in
            written += piece.count
            try limit.check(written)
            // No stage behind the first depends on the start.
            try split(piece, isAtStart: false, by: stages.dropFirst(), limit, &written, receive)
        }
    }

    private static func splitLength(_ text: Span<UInt8>, _ count: Int, _ receive: Receiver) throws(TokenizerError) {
        var start = 0
        while start < text.count {
            var end = start
            var taken = 0
            while end < text.count, taken < count {
                end += text.scalarLength(at: end)
                taken += 1
            }
            try receive(text.extracting(start..<end))
            start = end
        }
    }

    /// The same but for its last step, where that writes bytes as characters; nil where it does not.
    ///
    /// Words can then be told apart, and remembered, before they are rewritten.
    var withoutWritingBytes: PreTokenizer? {
        switch self {
        case .byteLevel(let byteLevel): return byteLevel.withoutWriting.map { .byteLevel($0) }
        case .sequence(let stages):
            guard let last = stages.last?.withoutWritingBytes else { return nil }
            // Where it neither cuts nor writes, it does nothing.
            if case .byteLevel(let byteLevel) = last, byteLevel.isEmpty { return .sequence(stages.dropLast()) }
            return .sequence(stages.dropLast() + [last])
        default: return nil
        }
    }
}
