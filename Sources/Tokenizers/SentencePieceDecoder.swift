/// Pieces as the text that SentencePiece makes of them.
struct SentencePieceDecoder: Sendable {
    private let model: [[UInt8]: SentencePieceModel.Piece.Kind]
    private let unknownSurface: [UInt8]
    private let dropsFirstSpace: Bool
    private let dropsFirstSpaces: Bool
    private let denormalizer: SentencePieceNormalizer?

    init(_ model: SentencePieceModel) throws(TokenizerError) {
        var kinds: [[UInt8]: SentencePieceModel.Piece.Kind] = [:]
        for piece in model.pieces where piece.kind != .normal { kinds[piece.text] = piece.kind }
        self.model = kinds
        unknownSurface = model.unknownSurface
        dropsFirstSpaces = model.normalization.removesExtraSpaces
        dropsFirstSpace = model.normalization.addsPrefix || dropsFirstSpaces
        var denormalizer: SentencePieceNormalizer?
        if let settings = model.denormalization, !settings.charsmap.isEmpty {
            denormalizer = try SentencePieceNormalizer(settings, hasSpacesBehind: false, userDefined: ByteTrie(), file: model.file)
        }
        self.denormalizer = denormalizer
    }

    func decoded(_ tokens: [[UInt8]], _ limit: TextLimit) throws(TokenizerError) -> [UInt8] {
        var text: [UInt8] = []
        var bytes: [UInt8] = []
        var isAtStart = true
        func flushBytes() {
            text += SentencePieceDecoder.characters(bytes)
            bytes.removeAll(keepingCapacity: true)
        }
        for token in tokens {
            let kind = model[token] ?? .normal
            if kind == .byte, let byte = UInt8(String(decoding: token.dropFirst(3).prefix(2), as: UTF8.self), radix: 16) {
                bytes.append(byte)
                continue
            }
            flushBytes()
            if !text.isEmpty { isAtStart = false }
            guard kind != .control else { continue }
            var piece = token[...]
            var dropped = false
            if isAtStart, dropsFirstSpace, piece.starts(with: Self.visibleSpace) {
                piece = piece.dropFirst(3)
                dropped = !dropsFirstSpaces
            }
            if kind == .unknown { text += unknownSurface } else { Self.append(piece, to: &text) }
            if dropped || !text.isEmpty { isAtStart = false }
            try limit.check(text)
        }
        flushBytes()
        return try denormalizer?.normalized(Array(String(decoding: text, as: UTF8.self).utf8), limit) ?? text
    }

    private static let visibleSpace = Array("▁".utf8)

    private static func append(_ piece: ArraySlice<UInt8>, to text: inout [UInt8]) {
        var piece = piece
        while !piece.isEmpty {
            if piece.starts(with: visibleSpace) {
                text.append(UInt8(ascii: " "))
                piece = piece.dropFirst(3)
            } else {
                text.append(piece.removeFirst())
            }
        }
    }

    /// The characters that bytes spell; of bytes that spell none, one U+FFFD each.
    private static func characters(_ bytes: [UInt8]) -> [UInt8] {
        var characters: [UInt8] = []
        var rest = bytes[...]
        while let first = rest.first {
            let length = first < 0x80 ? 1 : first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : 4
            let candidate = Array(rest.prefix(length))
            if candidate.count == length, String(validating: candidate, as: UTF8.self) != nil {
                characters += candidate
                rest = rest.dropFirst(length)
            } else {
                characters += [0xEF, 0xBF, 0xBD]
                rest = rest.dropFirst()
            }
        }
        return characters
    }
}
