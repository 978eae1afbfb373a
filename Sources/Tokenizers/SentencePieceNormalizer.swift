/// How SentencePiece prepares a text: characters are mapped, spaces joined and written as ▁, and one is put before it.
struct SentencePieceNormalizer: Sendable {
    private let charsmap: Charsmap?
    private let settings: SentencePieceModel.Normalization
    private let hasSpacesBehind: Bool
    /// Stays as it is.
    private let userDefined: ByteTrie
    private static let visibleSpace = Array("▁".utf8)

    /// Throws `malformedModel` where the map is none.
    init(
        _ settings: SentencePieceModel.Normalization, hasSpacesBehind: Bool, userDefined: ByteTrie, file: String
    ) throws(TokenizerError) {
        var charsmap: Charsmap?
        if !settings.charsmap.isEmpty {
            charsmap = Charsmap(settings.charsmap)
            guard charsmap != nil else { throw .malformedModel(file: file, reason: "its precompiled_charsmap is malformed") }
        }
        (self.charsmap, self.settings) = (charsmap, settings)
        (self.hasSpacesBehind, self.userDefined) = (hasSpacesBehind, userDefined)
    }

    /// The prepared text; empty where nothing but spaces is there.
    func normalized(_ source: [UInt8], _ limit: TextLimit) throws(TokenizerError) -> [UInt8] {
        let text = source.span
        let space = settings.escapesSpaces ? Self.visibleSpace : [UInt8(ascii: " ")]
        var position = 0
        if settings.removesExtraSpaces {
            while position < text.count, case let (value, end) = next(text, position),
                value.map({ charsmap?.replacement($0) == [UInt8(ascii: " ")] }) ?? (text[position] == UInt8(ascii: " "))
            {
                position = end
            }
        }
        guard position < text.count else { return [] }
        var result: [UInt8] = []
        result.reserveCapacity(text.count * 3 / 2)
        if settings.addsPrefix, !hasSpacesBehind { result += space }
        var followsSpace = settings.removesExtraSpaces
        while position < text.count {
            let (value, end) = next(text, position)
            var drops = followsSpace
            @inline(__always)
            func write(_ byte: UInt8) {
                if byte != UInt8(ascii: " ") {
                    result.append(byte)
                    (drops, followsSpace) = (false, false)
                } else if !drops {
                    for byte in space { result.append(byte) }
                    followsSpace = true
                }
            }
            if let value, let charsmap {
                for byte in charsmap.replacement(value) { write(byte) }
            } else {
                for place in position..<end { write(text[place]) }
            }
            if !settings.removesExtraSpaces { followsSpace = false }
            try limit.check(result)
            position = end
        }
        if settings.removesExtraSpaces {
            while result.count >= space.count, result.suffix(space.count) == space[...] { result.removeLast(space.count) }
        }
        if settings.addsPrefix, hasSpacesBehind { result += space }
        return result
    }

    /// The longest string of the map at `start`, as the value of what it becomes; nil where the text stays as it is up to `end`.
    private func next(_ text: Span<UInt8>, _ start: Int) -> (value: Int?, end: Int) {
        if !userDefined.isEmpty, let (end, _) = userDefined.longestMatch(in: text, at: start) { return (nil, end) }
        var longest: (value: Int?, end: Int)?
        var matches = 0
        charsmap?.forEachMatch(in: text, start..<text.count) { end, value in
            // A map from a stranger may cut characters in two.
            if end == text.count || text[end] & 0xC0 != 0x80 { longest = (value, end) }
            matches += 1
            // SentencePiece looks at no more.
            return matches < 32
        }
        return longest ?? (nil, start + text.scalarLength(at: start))
    }
}
