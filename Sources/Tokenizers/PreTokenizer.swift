/// What cuts a text into the words that are encoded one by one. Every kind that is not a case here is refused by name.
indirect enum PreTokenizer: Sendable {
    /// Writes each byte as a character of the `ByteAlphabet`, after cutting by GPT-2's expression where there is one.
    case byteLevel(addsPrefixSpace: Bool, RegularExpression?, writes: Bool)
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
        case "ByteLevel":
            let usesExpression = try definition.boolean("use_regex", default: true)
            self = .byteLevel(
                addsPrefixSpace: try definition.member("add_prefix_space").boolean(),
                usesExpression ? try RegularExpression(oniguruma: Self.gpt2Words, file: file, item: item) : nil, writes: true)
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
        case .byteLevel(let addsPrefixSpace, let expression, let writes):
            if addsPrefixSpace, text[0] != UInt8(ascii: " ") {
                let prefixed = [UInt8(ascii: " ")] + Array(copying: text)
                try Self.splitBytes(of: prefixed.span, cutBy: expression, writes: writes, receive)
            } else {
                try Self.splitBytes(of: text, cutBy: expression, writes: writes, receive)
            }
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

    private static func splitBytes(
        of text: Span<UInt8>, cutBy expression: RegularExpression?, writes: Bool, _ receive: Receiver
    ) throws(TokenizerError) {
        var word: [UInt8] = []
        func pass(_ range: Range<Int>) throws(TokenizerError) {
            guard writes else { return try receive(text.extracting(range)) }
            word.removeAll(keepingCapacity: true)
            ByteAlphabet.append(text.extracting(range), to: &word)
            try receive(word.span)
        }
        guard let expression else { return try pass(text.indices) }
        try expression.forEachPiece(in: text) { (range, _) throws(TokenizerError) in
            if !range.isEmpty { try pass(range) }
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
        case .byteLevel(let addsPrefixSpace, let expression, writes: true):
            return .byteLevel(addsPrefixSpace: addsPrefixSpace, expression, writes: false)
        case .sequence(let stages):
            guard let last = stages.last?.withoutWritingBytes else { return nil }
            // Where it neither cuts nor writes, it does nothing.
            if case .byteLevel(addsPrefixSpace: false, nil, _) = last { return .sequence(stages.dropLast()) }
            return .sequence(stages.dropLast() + [last])
        default: return nil
        }
    }

    /// The expression of GPT-2, which `ByteLevel` implies.
    private static let gpt2Words = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
}
