/// How much a tokenizer's steps may write for one text, all together: a sequence of a few replacements, each of one character by two,
/// would otherwise fill any memory.
struct RewritingAllowance {
    private let file: String
    private let limit: Int
    private var remaining: Int

    /// - Parameter count: the bytes of the text. Of the tokenizers in use, none writes thirty times as many.
    init(forBytes count: Int, file: String) {
        (limit, remaining) = (256 * (count + 16), 256 * (count + 16))
        self.file = file
    }

    /// Throws `excessiveRewriting` where the steps have written more than they may.
    mutating func spend(_ bytes: Int) throws(TokenizerError) {
        remaining -= bytes
        guard remaining >= 0 else { throw .excessiveRewriting(file: file, limit: limit) }
    }
}
