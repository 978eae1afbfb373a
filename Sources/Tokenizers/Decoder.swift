/// What turns tokens into text again. Every kind that is not a case here is refused by name.
indirect enum Decoder: Sendable {
    case byteLevel
    case byteFallback
    case fuse
    case metaspace(Metaspace)
    case replace(RegularExpression, by: [UInt8])
    case strip(Unicode.Scalar, start: Int, stop: Int)
    case suffix([UInt8])
    case wordPiece(prefix: [UInt8], cleansUp: Bool)
    case connectionist(padding: [UInt8], delimiter: [UInt8], cleansUp: Bool)
    case sentencePiece(SentencePieceDecoder)
    case sequence([Decoder])

    /// The file's `decoder`. Throws `unsupported` for a kind that is not a case here.
    init(_ definition: TokenizerDefinition) throws(TokenizerError) {
        switch try definition.type() {
        case "ByteLevel": self = .byteLevel
        case "ByteFallback": self = .byteFallback
        case "Fuse": self = .fuse
        case "Metaspace": self = .metaspace(try Metaspace(definition))
        case "Replace": self = .replace(try definition.pattern(), by: Array(try definition.member("content").string().utf8))
        case "Strip":
            let (start, stop) = (try definition.member("start"), try definition.member("stop"))
            for count in [start, stop] where try count.integer() < 0 {
                throw .wrongType(file: count.file, item: count.item, expected: "a count of characters")
            }
            self = .strip(try definition.member("content").scalar(), start: try start.integer(), stop: try stop.integer())
        case "BPEDecoder": self = .suffix(Array(try definition.member("suffix").string().utf8))
        case "WordPiece":
            self = .wordPiece(
                prefix: Array(try definition.member("prefix").string().utf8), cleansUp: try definition.member("cleanup").boolean())
        case "CTC":
            self = .connectionist(
                padding: Array(try definition.member("pad_token").string().utf8),
                delimiter: Array(try definition.member("word_delimiter_token").string().utf8),
                cleansUp: try definition.member("cleanup").boolean())
        case "Sequence":
            var decoders: [Decoder] = []
            for element in try definition.steps("decoders") { decoders.append(try Decoder(element)) }
            self = .sequence(decoders)
        case let kind: throw definition.unsupported("the decoder \(kind)")
        }
    }

    /// The tokens with this step undone; joined, those of the last step are the text. Throws `matchFailed`.
    func decoded(_ tokens: [[UInt8]], _ limit: TextLimit) throws(TokenizerError) -> [[UInt8]] {
        switch self {
        case .byteLevel:
            let bytes = tokens.flatMap(ByteAlphabet.decoded)
            return [Array(String(decoding: bytes, as: UTF8.self).utf8)]
        case .byteFallback: return ByteTokens.joined(tokens)
        case .fuse: return [Array(tokens.joined())]
        case .metaspace(let metaspace):
            return tokens.enumerated().map { metaspace.decoded($1, isFirst: $0 == 0) }
        case .replace(let expression, let content):
            var replaced: [[UInt8]] = []
            var total = 0
            for token in tokens {
                let text = try expression.replacing(in: token, by: content, limit)
                total += text.count
                try limit.check(total)
                replaced.append(text)
            }
            return replaced
        case .strip(let scalar, let start, let stop):
            return tokens.map { Self.stripped($0, of: Array(String(Character(scalar)).utf8), start: start, stop: stop) }
        case .suffix(let suffix):
            return tokens.enumerated().map { $1.replacing(suffix, with: Array(($0 == tokens.count - 1 ? "" : " ").utf8)) }
        case .wordPiece(let prefix, let cleansUp):
            return tokens.enumerated().map { index, token in
                let isContinued = token.starts(with: prefix)
                let text = index == 0 ? token : isContinued ? Array(token.dropFirst(prefix.count)) : [UInt8(ascii: " ")] + token
                return cleansUp ? EnglishSpacing.cleanedUp(text) : text
            }
        case .connectionist(let padding, let delimiter, let cleansUp):
            return tokens.indices.compactMap { index in
                guard index == 0 || tokens[index] != tokens[index - 1] else { return nil }
                var text = tokens[index].replacing(padding, with: [])
                if cleansUp { text = EnglishSpacing.cleanedUp(text).replacing(delimiter, with: [UInt8(ascii: " ")]) }
                return text.isEmpty ? nil : text
            }
        case .sentencePiece(let decoder): return [try decoder.decoded(tokens, limit)]
        case .sequence(let decoders):
            var tokens = tokens
            for decoder in decoders {
                tokens = try decoder.decoded(tokens, limit)
                try limit.check(tokens.reduce(0) { $0 + $1.count })
            }
            return tokens
        }
    }

    /// The token without up to `start` characters at its start and `stop` at its end, as long as they are that character.
    private static func stripped(_ token: [UInt8], of character: [UInt8], start: Int, stop: Int) -> [UInt8] {
        var token = token[...]
        var remaining = start
        while remaining > 0, token.starts(with: character) {
            token.removeFirst(character.count)
            remaining -= 1
        }
        remaining = stop
        while remaining > 0, token.count >= character.count, token.suffix(character.count) == character[...] {
            token.removeLast(character.count)
            remaining -= 1
        }
        return Array(token)
    }
}
