/// Writes spaces as a visible character (▁), may put one before the text, and may cut the text before each of them.
struct Metaspace: Sendable {
    enum Prepending: String, Sendable { case always, first, never }

    /// The character's UTF-8.
    let replacement: [UInt8]
    let prepending: Prepending
    /// Finds the replacement; nil where the text is not cut.
    private let cut: RegularExpression?

    /// A pre-tokenizer or decoder of type Metaspace.
    init(_ definition: TokenizerDefinition) throws(TokenizerError) {
        let character = String(Character(try definition.member("replacement").scalar()))
        replacement = Array(character.utf8)
        let scheme = definition.optional("prepend_scheme")
        let name = try scheme?.string() ?? "always"
        guard let prepending = Prepending(rawValue: name) else {
            throw (scheme ?? definition).unsupported(name.debugDescription)
        }
        if try !definition.boolean("add_prefix_space", default: true), prepending != .never {
            throw definition.unsupported("a Metaspace with add_prefix_space false and the prepend_scheme \(name)")
        }
        self.prepending = prepending
        let cuts = try definition.boolean("split", default: true)
        cut = cuts ? try RegularExpression(literal: character, file: definition.file, item: definition.item) : nil
    }

    /// Calls `receive` with the words of a text that is not empty.
    func split(_ text: Span<UInt8>, isAtStart: Bool, _ receive: PreTokenizer.Receiver) throws(TokenizerError) {
        var written: [UInt8] = []
        written.reserveCapacity(text.count + text.count / 2)
        let begins = text[0] == UInt8(ascii: " ") || text.contains(replacement, at: 0)
        if !begins, prepending == .always || (prepending == .first && isAtStart) { written += replacement }
        for position in text.indices {
            if text[position] == UInt8(ascii: " ") { written += replacement } else { written.append(text[position]) }
        }
        guard let cut else { return try receive(written.span) }
        let words = written.span
        try SplitBehavior.mergedWithNext.forEachPiece(of: words, cutBy: cut, inverted: false) { (range) throws(TokenizerError) in
            try receive(words.extracting(range))
        }
    }

    /// The token as text: spaces again, except that a prefix the encoding added is dropped from the first token.
    func decoded(_ token: [UInt8], isFirst: Bool) -> [UInt8] {
        let text = token.span
        var decoded: [UInt8] = []
        var position = 0
        while position < text.count {
            if text.contains(replacement, at: position) {
                if !isFirst || prepending == .never { decoded.append(UInt8(ascii: " ")) }
                position += replacement.count
            } else {
                decoded.append(text[position])
                position += 1
            }
        }
        return decoded
    }
}
