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
        case .byteFallback: return Self.joiningBytes(tokens)
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
                return cleansUp ? Self.cleanedUp(text) : text
            }
        case .connectionist(let padding, let delimiter, let cleansUp):
            return tokens.indices.compactMap { index in
                guard index == 0 || tokens[index] != tokens[index - 1] else { return nil }
                var text = tokens[index].replacing(padding, with: [])
                if cleansUp { text = Self.cleanedUp(text).replacing(delimiter, with: [UInt8(ascii: " ")]) }
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

    /// English as it is written: the spaces before punctuation go.
    private static func cleanedUp(_ text: [UInt8]) -> [UInt8] {
        cleanings.reduce(text) { $0.replacing($1.0, with: $1.1) }
    }

    private static let cleanings: [([UInt8], [UInt8])] = [
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"), (" do not", " don't"),
        (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ].map { (Array($0.utf8), Array($1.utf8)) }

    /// Tokens `<0xNN>` as the text that each run of them spells; a run that spells none becomes one U+FFFD for each byte.
    private static func joiningBytes(_ tokens: [[UInt8]]) -> [[UInt8]] {
        var joined: [[UInt8]] = []
        var run: [UInt8] = []
        func flush() {
            if String(validating: run, as: UTF8.self) != nil {
                if !run.isEmpty { joined.append(run) }
            } else {
                joined += Array(repeating: [0xEF, 0xBF, 0xBD], count: run.count)
            }
            run.removeAll()
        }
        for token in tokens {
            if let byte = byte(token) {
                run.append(byte)
            } else {
                flush()
                joined.append(token)
            }
        }
        flush()
        return joined
    }

    /// The byte of a token `<0xNN>`. Rust reads a sign before a single digit too.
    private static func byte(_ token: [UInt8]) -> UInt8? {
        guard token.count == 6, token.starts(with: "<0x".utf8), token[5] == UInt8(ascii: ">") else { return nil }
        guard token[3] != UInt8(ascii: "-") else { return nil }
        return UInt8(String(decoding: token[3...4], as: UTF8.self), radix: 16)
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

extension Array where Element == UInt8 {
    /// With `replacement` for each occurrence of `pattern`, from left to right; an empty pattern occurs before each character and at the end.
    fileprivate func replacing(_ pattern: [UInt8], with replacement: [UInt8]) -> [UInt8] {
        var replaced: [UInt8] = []
        var position = 0
        while position < count {
            let isBoundary = self[position] & 0xC0 != 0x80
            if self[position...].starts(with: pattern), isBoundary || !pattern.isEmpty {
                replaced += replacement
                position += pattern.count
                if !pattern.isEmpty { continue }
            }
            replaced.append(self[position])
            position += 1
        }
        return pattern.isEmpty ? replaced + replacement : replaced
    }
}
