/// How long a text may become while it is rewritten: a tokenizer from a stranger could otherwise make gigabytes of a line.
struct TextLimit {
    private let limit: Int
    private let file: String
    private let item: String

    /// 64 times the text's bytes, and 1 KiB more. A text is rewritten piece by piece, each with a limit of its own, so that what is more
    /// than a multiple stays little.
    init(for count: Int, file: String, item: String) {
        (limit, self.file, self.item) = (count * 64 + 1 << 10, file, item)
    }

    /// Throws `textTooLong` where the text exceeds the limit.
    @inline(__always)
    func check(_ text: [UInt8]) throws(TokenizerError) { try check(text.count) }

    /// The same of a text of so many bytes.
    @inline(__always)
    func check(_ count: Int) throws(TokenizerError) {
        if count > limit { throw .textTooLong(file: file, item: item, limit: limit) }
    }
}
