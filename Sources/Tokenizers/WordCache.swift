/// The ids of words met before. Words repeat: looking one up is far quicker than merging it anew.
struct WordCache {
    private var words = ByteStringTable()
    private var identifiers: [Int32] = []
    /// By word: where its ids end in `identifiers`; they begin where those of the word before it end.
    private var ends: [Int] = []

    /// Longer words are rare, and each is rarely met again. In bytes.
    static let longestWord = 64
    private static let capacity = 1 << 16

    /// Appends the ids of the word; false where it is not known.
    func append(_ word: Span<UInt8>, to result: inout [Int32]) -> Bool {
        guard let index = words.index(of: word) else { return false }
        result.append(contentsOf: identifiers[(index == 0 ? 0 : ends[index - 1])..<ends[index]])
        return true
    }

    /// Remembers the ids of a word that is not known yet, as long as there is room.
    mutating func insert(_ word: Span<UInt8>, _ encoding: ArraySlice<Int32>) {
        guard words.count < Self.capacity else { return }
        _ = words.insert(word)
        identifiers += encoding
        ends.append(identifiers.count)
    }
}
