/// Finds added tokens in a text: leftmost first, the longest of those that begin at the same place.
struct AddedTokenMatcher: Sendable {
    struct Token: Sendable {
        let identifier: Int32
        /// Whether it counts only where no word character stands beside it.
        let isSingleWord: Bool
        /// Whether it takes the white space before it with it.
        let stripsLeft: Bool
        let stripsRight: Bool
    }

    private var tokens: [Token] = []
    /// Their indices in `tokens`.
    private var forms = ByteTrie()
    /// By byte: whether a token begins with it.
    private var beginnings = [Bool](repeating: false, count: 256)

    /// False where the bytes are empty or another token's.
    mutating func insert(_ bytes: [UInt8], _ token: Token) -> Bool {
        guard let first = bytes.first, forms.insert(bytes, Int32(tokens.count)) else { return false }
        beginnings[Int(first)] = true
        tokens.append(token)
        return true
    }

    var isEmpty: Bool { tokens.isEmpty }

    /// Calls `body` with the pieces of a text from left to right: its added tokens, and what lies between, which is never empty.
    func forEachPiece(
        of text: Span<UInt8>, _ body: (_ range: Range<Int>, _ token: Int32?) throws(TokenizerError) -> Void
    ) throws(TokenizerError) {
        var end = 0
        var position = 0
        while !tokens.isEmpty, position < text.count {
            guard beginnings[Int(text[position])], let (matchEnd, index) = forms.longestMatch(in: text, at: position) else {
                position += 1
                continue
            }
            let token = tokens[Int(index)]
            var range = position..<matchEnd
            // A match that is dropped here is not looked into again.
            position = matchEnd
            if token.isSingleWord, hasWordCharacter(beside: range, in: text) { continue }
            if token.stripsLeft {
                var start = range.lowerBound
                while start > end, case let before = text.scalarStart(before: start),
                    text.scalar(at: before).properties.isWhitespace
                {
                    start = before
                }
                // What the match before it stripped stays with that one.
                range = min(max(start, end), range.upperBound)..<range.upperBound
            }
            if token.stripsRight {
                var stop = range.upperBound
                while stop < text.count, text.scalar(at: stop).properties.isWhitespace { stop += text.scalarLength(at: stop) }
                range = range.lowerBound..<stop
            }
            if end < range.lowerBound { try body(end..<range.lowerBound, nil) }
            try body(range, token.identifier)
            end = range.upperBound
        }
        if end < text.count { try body(end..<text.count, nil) }
    }

    private func hasWordCharacter(beside range: Range<Int>, in text: Span<UInt8>) -> Bool {
        (range.lowerBound > 0 && ScalarClass.word.contains(text.scalar(at: text.scalarStart(before: range.lowerBound))))
            || (range.upperBound < text.count && ScalarClass.word.contains(text.scalar(at: range.upperBound)))
    }
}
