internal import Storage
internal import SystemPackage

/// What a `tokenizer.model` of SentencePiece holds: the parts of its message that encoding and decoding depend on.
struct SentencePieceModel {
    enum Kind: UInt64 { case unigram = 1, bytePairs, words, characters }

    struct Piece {
        enum Kind: UInt64 { case normal = 1, unknown, control, userDefined, unused, byte }

        var text: [UInt8] = []
        var score: Float = 0
        var kind = Kind.normal

        /// Whether text can be written in it.
        var isWritten: Bool { kind == .normal || kind == .userDefined }
    }

    /// How a text is prepared.
    struct Normalization {
        var charsmap: [UInt8] = []
        var addsPrefix = true
        var removesExtraSpaces = true
        var escapesSpaces = true
    }

    private(set) var pieces: [Piece] = []
    private(set) var kind = Kind.unigram
    private(set) var hasByteFallback = false
    private(set) var hasSpacesBehind = false
    private(set) var unknownSurface = Array(" \u{2047} ".utf8)
    private(set) var beginning = Array("<s>".utf8)
    private(set) var end = Array("</s>".utf8)
    private(set) var normalization = Normalization()
    /// What decoded text goes through; mostly nothing.
    private(set) var denormalization: Normalization?
    let file: String

    /// Throws `malformedModel` where the bytes are no such message.
    init(_ bytes: [UInt8], file: String) throws(TokenizerError) {
        self.file = file
        var reader = ProtobufReader(bytes)
        do {
            while let (field, value) = try reader.next() {
                guard case .block(let range) = value else { continue }
                var part = reader.message(range)
                switch field {
                case 1: pieces.append(try Self.piece(&part))
                case 2: try readTrainer(&part)
                case 3: try Self.read(&part, into: &normalization)
                case 5:
                    var denormalization = self.denormalization ?? Normalization()
                    try Self.read(&part, into: &denormalization)
                    self.denormalization = denormalization
                default: break
                }
            }
        } catch {
            throw .malformedModel(file: file, reason: "its bytes from \(error.offset) on are no field of a SentencePiece model")
        }
    }

    private static func piece(_ reader: inout ProtobufReader) throws(ProtobufReader.Malformed) -> Piece {
        var piece = Piece()
        while let (field, value) = try reader.next() {
            switch (field, value) {
            case (1, .block(let range)): piece.text = reader.bytes(range)
            case (2, .float(let score)): piece.score = score
            case (3, .integer(let number)): piece.kind = Piece.Kind(rawValue: number) ?? .normal
            case (1...3, _): throw ProtobufReader.Malformed(offset: reader.offset)
            default: break
            }
        }
        return piece
    }

    private mutating func readTrainer(_ reader: inout ProtobufReader) throws(ProtobufReader.Malformed) {
        while let (field, value) = try reader.next() {
            switch (field, value) {
            case (3, .integer(let number)): kind = Kind(rawValue: number) ?? .unigram
            case (24, .integer(let flag)): hasSpacesBehind = flag != 0
            case (35, .integer(let flag)): hasByteFallback = flag != 0
            case (44, .block(let range)): unknownSurface = reader.bytes(range)
            case (46, .block(let range)): beginning = reader.bytes(range)
            case (47, .block(let range)): end = reader.bytes(range)
            case (3, _), (24, _), (35, _), (44, _), (46, _), (47, _): throw ProtobufReader.Malformed(offset: reader.offset)
            default: break
            }
        }
    }

    private static func read(
        _ reader: inout ProtobufReader, into normalization: inout Normalization
    ) throws(ProtobufReader.Malformed) {
        while let (field, value) = try reader.next() {
            switch (field, value) {
            case (2, .block(let range)): normalization.charsmap = reader.bytes(range)
            case (3, .integer(let flag)): normalization.addsPrefix = flag != 0
            case (4, .integer(let flag)): normalization.removesExtraSpaces = flag != 0
            case (5, .integer(let flag)): normalization.escapesSpaces = flag != 0
            case (2...5, _): throw ProtobufReader.Malformed(offset: reader.offset)
            default: break
            }
        }
    }
}
