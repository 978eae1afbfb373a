/// What is done to a text before it is cut into words. Every kind that is not a case here is refused by name.
indirect enum Normalizer: Sendable {
    case composition
    case prepend([UInt8])
    case replace(RegularExpression, by: [UInt8])
    case sequence([Normalizer])

    /// The file's `normalizer`. Throws `unsupported` for a kind that is not a case here.
    init(_ definition: TokenizerDefinition) throws(TokenizerError) {
        switch try definition.type() {
        case "NFC": self = .composition
        case "Prepend": self = .prepend(Array(try definition.member("prepend").string().utf8))
        case "Replace": self = .replace(try definition.pattern(), by: Array(try definition.member("content").string().utf8))
        case "Sequence":
            var normalizers: [Normalizer] = []
            for element in try definition.steps("normalizers") { normalizers.append(try Normalizer(element)) }
            self = .sequence(normalizers)
        case let kind: throw definition.unsupported("the normalizer \(kind)")
        }
    }

    /// The normalised text. Throws `matchFailed` and `excessiveRewriting`.
    func normalized(_ text: [UInt8], _ allowance: inout RewritingAllowance) throws(TokenizerError) -> [UInt8] {
        switch self {
        case .composition: return CanonicalComposition.composed(text)
        case .prepend(let start):
            try allowance.spend(start.count + text.count)
            return text.isEmpty ? text : start + text
        case .replace(let expression, let content): return try expression.replacing(text, by: content, &allowance)
        case .sequence(let normalizers):
            var text = text
            for normalizer in normalizers { text = try normalizer.normalized(text, &allowance) }
            return text
        }
    }
}
