internal import Storage

/// What models write, looked at as text alone: whether it says ever the same, and whether it is text at all. A model that only babbles
/// recites nothing that was to be forgotten.
package struct WrittenText: Sendable {
    private let tokens: [[Int32]]
    private let texts: [String]

    /// Each continuation's tokens, and its text.
    package init(tokens: [[Int32]], texts: [String]) { (self.tokens, self.texts) = (tokens, texts) }

    /// Distinct runs of `length` tokens over all such runs, of all continuations together (Li et al. 2016); nil where there is none so long.
    package func distinct(_ length: Int) -> Double? {
        let runs = tokens.flatMap { tokens in
            tokens.count < length ? [] : (0...tokens.count - length).map { tokens[$0..<$0 + length] }
        }
        return runs.isEmpty ? nil : Double(Set(runs).count) / Double(runs.count)
    }

    /// Mean over continuations of the longest run of tokens that comes twice in one, over its length; of nothing written, 0.
    package var longestRepeat: Double {
        let shares = tokens.filter { !$0.isEmpty }.map { Double(Self.longestRepeat($0)) / Double($0.count) }
        return shares.reduce(0, +) / Double(max(1, tokens.count))
    }

    /// How long the longest run is that begins at two places, which may overlap.
    private static func longestRepeat(_ tokens: [Int32]) -> Int {
        var (longest, lengths) = (0, [Int](repeating: 0, count: tokens.count + 1))
        // lengths[j]: of the longest common ending of the tokens before i and before j.
        for i in tokens.indices {
            var diagonal = lengths[i + 1]
            for j in i + 1..<max(i + 1, tokens.count) {
                let above = lengths[j + 1]
                lengths[j + 1] = tokens[i] == tokens[j] ? diagonal + 1 : 0
                longest = max(longest, lengths[j + 1])
                diagonal = above
            }
        }
        return longest
    }

    /// The share of characters (Unicode scalars) that are no text: controls but for white space, what could not be decoded, what is
    /// unassigned or for private use. Of nothing written, 0.
    package var nonText: Double {
        let scalars = texts.flatMap { Array($0.unicodeScalars) }
        let wrong = scalars.count { scalar in
            scalar == "\u{FFFD}"
                || [.control, .privateUse, .unassigned, .surrogate].contains(scalar.properties.generalCategory)
                    && !scalar.properties.isWhitespace
        }
        return Double(wrong) / Double(max(1, scalars.count))
    }

    /// UTF-8 bytes over what zlib makes of them, all continuations one after the other: about 2 for prose, far more for what repeats itself.
    package var compression: Double {
        let bytes = texts.flatMap { Array($0.utf8) }
        return Double(bytes.count) / Double(ZlibCompression.size(of: bytes))
    }

    var members: [(name: String, value: JSONValue)] {
        (1...3).map { ("distinct_\($0)", distinct($0).map(JSONValue.number) ?? .null) } + [
            ("longest_repeat", .number(longestRepeat)), ("non_text", .number(nonText)), ("compression", .number(compression)),
        ]
    }
}
