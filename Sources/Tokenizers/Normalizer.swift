internal import Storage

/// What is done to a text before it is cut into words. Every kind that is not a case here is refused by name.
indirect enum Normalizer: Sendable {
    case composition
    case decomposition
    case compatibilityComposition
    case compatibilityDecomposition
    case strip(left: Bool, right: Bool)
    case scalars(ScalarMapping)
    case charsmap(Charsmap)
    case byteLevel
    case prepend([UInt8])
    case replace(RegularExpression, by: [UInt8])
    case sentencePiece(SentencePieceNormalizer)
    case sequence([Normalizer])

    /// The file's `normalizer`. Throws `unsupported` for a kind that is not a case here.
    init(_ definition: TokenizerDefinition) throws(TokenizerError) {
        switch try definition.type() {
        case "NFC": self = .composition
        case "NFD": self = .decomposition
        case "NFKC": self = .compatibilityComposition
        case "NFKD": self = .compatibilityDecomposition
        case "Strip":
            self = .strip(left: try definition.member("strip_left").boolean(), right: try definition.member("strip_right").boolean())
        case "StripAccents": self = .scalars(.withoutMarks)
        case "Lowercase": self = .scalars(.lowercase)
        case "Nmt": self = .scalars(.machineTranslation)
        case "BertNormalizer":
            let lowercases = try definition.member("lowercase").boolean()
            var steps: [Normalizer] = []
            if try definition.member("clean_text").boolean() { steps.append(.scalars(.cleaned)) }
            if try definition.member("handle_chinese_chars").boolean() { steps.append(.scalars(.spacedIdeographs)) }
            if try definition.boolean("strip_accents", default: lowercases) {
                steps += [.decomposition, .scalars(.withoutNonspacingMarks)]
            }
            if lowercases { steps.append(.scalars(.lowercase)) }
            self = .sequence(steps)
        case "Precompiled":
            let map = try definition.member("precompiled_charsmap")
            guard let bytes = Base64.decoded(try map.string()), let charsmap = Charsmap(bytes) else {
                throw .wrongType(file: map.file, item: map.item, expected: "a precompiled_charsmap of SentencePiece in base64")
            }
            self = .charsmap(charsmap)
        case "ByteLevel": self = .byteLevel
        case "Prepend": self = .prepend(Array(try definition.member("prepend").string().utf8))
        case "Replace": self = .replace(try definition.pattern(), by: Array(try definition.member("content").string().utf8))
        case "Sequence":
            var normalizers: [Normalizer] = []
            for element in try definition.steps("normalizers") { normalizers.append(try Normalizer(element)) }
            self = .sequence(normalizers)
        case let kind: throw definition.unsupported("the normalizer \(kind)")
        }
    }

    /// The normalised text. Throws `matchFailed` or `textTooLong`.
    func normalized(_ text: [UInt8], _ limit: TextLimit) throws(TokenizerError) -> [UInt8] {
        switch self {
        case .composition: return CanonicalComposition.composed(text)
        case .decomposition: return CanonicalDecomposition.decomposed(text)
        case .compatibilityComposition: return CanonicalComposition.composed(CompatibilityMapping.mapped(text))
        case .compatibilityDecomposition: return CanonicalDecomposition.decomposed(CompatibilityMapping.mapped(text))
        case .strip(let left, let right): return Self.stripped(text.span, left: left, right: right)
        case .scalars(let mapping): return mapping.mapped(text.span)
        case .charsmap(let charsmap): return try GraphemeMapping.mapped(text, by: charsmap, limit)
        case .byteLevel:
            var characters: [UInt8] = []
            ByteAlphabet.append(text.span, to: &characters)
            return characters
        case .prepend(let start):
            guard !text.isEmpty else { return text }
            let prepended = start + text
            try limit.check(prepended)
            return prepended
        case .replace(let expression, let content): return try expression.replacing(in: text, by: content, limit)
        case .sentencePiece(let normalizer): return try normalizer.normalized(text, limit)
        case .sequence(let normalizers):
            var text = text
            for normalizer in normalizers { text = try normalizer.normalized(text, limit) }
            return text
        }
    }

    private static func stripped(_ text: Span<UInt8>, left: Bool, right: Bool) -> [UInt8] {
        var (start, end) = (0, text.count)
        while left, start < end, text.scalar(at: start).properties.isWhitespace { start += text.scalarLength(at: start) }
        while right, start < end, case let last = text.scalarStart(before: end), text.scalar(at: last).properties.isWhitespace {
            end = last
        }
        return Array(copying: text.extracting(start..<end))
    }
}
