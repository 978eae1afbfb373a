/// What cuts a text into the words that are encoded one by one. Every kind that is not a case here is refused by name.
indirect enum PreTokenizer: Sendable {
    /// Writes each byte as a character of the `ByteAlphabet`, after cutting by GPT-2's expression where there is one.
    case byteLevel(addsPrefixSpace: Bool, RegularExpression?)
    case split(RegularExpression, SplitBehavior, inverted: Bool)
    case metaspace(Metaspace)
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
                usesExpression ? try RegularExpression(oniguruma: Self.gpt2Words, file: file, item: item) : nil)
        case "Split":
            let behavior = try definition.member("behavior")
            guard let known = SplitBehavior(rawValue: try behavior.string()) else {
                throw behavior.unsupported(try behavior.string().debugDescription)
            }
            self = .split(try definition.pattern(), known, inverted: try definition.member("invert").boolean())
        case "Digits":
            let behavior: SplitBehavior = try definition.member("individual_digits").boolean() ? .isolated : .contiguous
            self = .split(try RegularExpression(numbersFor: item, file: file), behavior, inverted: false)
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
        case .byteLevel, .split: false
        case .metaspace(let metaspace): metaspace.prepending == .first
        case .sequence(let stages): stages.contains { $0.dependsOnStart }
        }
    }

    /// Cuts a text that is not empty into words that are not empty either, and calls `receive` with them in order.
    ///
    /// - Parameter isAtStart: whether the text is the start of what is encoded; an added token may have been cut off before it.
    /// Throws `matchFailed`, `excessiveRewriting`, and what `receive` throws.
    func split(
        _ text: Span<UInt8>, isAtStart: Bool, _ allowance: inout RewritingAllowance, _ receive: Receiver
    ) throws(TokenizerError) {
        switch self {
        case .sequence(let stages): try Self.split(text, isAtStart: isAtStart, by: stages[...], &allowance, receive)
        default: try cut(text, isAtStart: isAtStart, receive)
        }
    }

    /// What `split` does, of a stage.
    private func cut(_ text: Span<UInt8>, isAtStart: Bool, _ receive: Receiver) throws(TokenizerError) {
        switch self {
        case .byteLevel(let addsPrefixSpace, let expression):
            if addsPrefixSpace, text[0] != UInt8(ascii: " ") {
                let prefixed = [UInt8(ascii: " ")] + Array(copying: text)
                try Self.writeBytes(of: prefixed.span, cutBy: expression, receive)
            } else {
                try Self.writeBytes(of: text, cutBy: expression, receive)
            }
        case .split(let expression, let behavior, let inverted):
            try behavior.forEachPiece(of: text, cutBy: expression, inverted: inverted) { (range) throws(TokenizerError) in
                try receive(text.extracting(range))
            }
        case .metaspace(let metaspace): try metaspace.split(text, isAtStart: isAtStart, receive)
        case .sequence: preconditionFailure("a sequence is no stage")
        }
    }

    private static func split(
        _ text: Span<UInt8>, isAtStart: Bool, by stages: ArraySlice<PreTokenizer>, _ allowance: inout RewritingAllowance,
        _ receive: Receiver
    ) throws(TokenizerError) {
        guard let stage = stages.first else { return try receive(text) }
        try stage.cut(text, isAtStart: isAtStart) { (piece) throws(TokenizerError) in
            try allowance.spend(piece.count)
            // No stage behind the first depends on the start.
            try split(piece, isAtStart: false, by: stages.dropFirst(), &allowance, receive)
        }
    }

    private static func writeBytes(
        of text: Span<UInt8>, cutBy expression: RegularExpression?, _ receive: Receiver
    ) throws(TokenizerError) {
        var word: [UInt8] = []
        func write(_ range: Range<Int>) throws(TokenizerError) {
            word.removeAll(keepingCapacity: true)
            ByteAlphabet.append(text.extracting(range), to: &word)
            try receive(word.span)
        }
        guard let expression else { return try write(text.indices) }
        try expression.forEachPiece(in: text) { (range, _) throws(TokenizerError) in
            if !range.isEmpty { try write(range) }
        }
    }

    /// The expression of GPT-2, which `ByteLevel` implies.
    private static let gpt2Words = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
}
