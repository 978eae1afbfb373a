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
    /// A trie over bytes, node 0 its root: (node, byte) to node.
    private var children: [Int: Int] = [:]
    /// By node: index of the token that ends there, or -1.
    private var endings: [Int] = [-1]
    /// By byte: whether a token begins with it.
    private var beginnings = [Bool](repeating: false, count: 256)

    /// False where the bytes are empty or another token's.
    mutating func insert(_ bytes: [UInt8], _ token: Token) -> Bool {
        guard let first = bytes.first else { return false }
        beginnings[Int(first)] = true
        var node = 0
        for byte in bytes {
            if let child = children[node << 8 | Int(byte)] {
                node = child
            } else {
                children[node << 8 | Int(byte)] = endings.count
                node = endings.count
                endings.append(-1)
            }
        }
        guard endings[node] < 0 else { return false }
        endings[node] = tokens.count
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
            guard beginnings[Int(text[position])], let (token, matchEnd) = longestMatch(in: text, at: position) else {
                position += 1
                continue
            }
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

    private func longestMatch(in text: Span<UInt8>, at start: Int) -> (Token, end: Int)? {
        var found: (Token, Int)?
        var node = 0
        var position = start
        while position < text.count, let child = children[node << 8 | Int(text[position])] {
            node = child
            position += 1
            if endings[node] >= 0 { found = (tokens[endings[node]], position) }
        }
        return found
    }

    private func hasWordCharacter(beside range: Range<Int>, in text: Span<UInt8>) -> Bool {
        (range.lowerBound > 0 && Self.isWord(text.scalar(at: text.scalarStart(before: range.lowerBound))))
            || (range.upperBound < text.count && Self.isWord(text.scalar(at: range.upperBound)))
    }

    /// What `\w` matches in Rust's regex, whose tables are Unicode 16's.
    private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        guard let age = scalar.properties.age, age <= (16, 0) else { return false }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation: return true
        default: return scalar.properties.isAlphabetic || scalar.properties.isJoinControl
        }
    }
}
