internal import Storage

/// The merges of a byte-pair encoding: which two neighbouring tokens become which one, and which pair goes first.
struct MergeTable: Sendable {
    struct Merge: Sendable {
        /// The lowest goes first.
        let rank: UInt32
        let result: Int32
    }

    private var merges: [Pair: Merge] = [:]
    /// The pairs of symbols between which some merge may take place, at once or after others.
    private var joints: Set<Pair> = []

    private struct Pair: Hashable {
        let left: Int32
        let right: Int32
    }

    /// `model.merges`: each `"a b"` or `["a", "b"]`. Throws where one is malformed or names a token that is not in the vocabulary.
    ///
    /// - Parameter isSymbol: whether a token can be one of those that a word is made of before any merge.
    init(
        _ definition: TokenizerDefinition, vocabulary: Vocabulary, isSymbol: (Int32) -> Bool
    ) throws(TokenizerError) {
        let elements = try definition.elements()
        merges.reserveCapacity(elements.count)
        var rank: UInt32 = 0
        for entry in elements {
            // Hugging Face tokenizers takes these for the first line of a merges.txt.
            if let line = entry.value.string, line.utf8.starts(with: "#version".utf8) { continue }
            let (left, right) = try Self.tokens(entry)
            func identifier(_ token: [UInt8]) throws(TokenizerError) -> Int32 {
                guard let identifier = vocabulary[token] else {
                    throw .mergeOutOfVocabulary(file: entry.file, item: entry.item, token: String(decoding: token, as: UTF8.self))
                }
                return identifier
            }
            let pair = Pair(left: try identifier(left), right: try identifier(right))
            merges[pair] = Merge(rank: rank, result: try identifier(left + right))
            rank += 1
        }
        findJoints(vocabulary, isSymbol)
    }

    func merge(_ left: Int32, _ right: Int32) -> Merge? { merges[Pair(left: left, right: right)] }

    /// Whether a merge may ever take place between two neighbouring symbols.
    func mayJoin(_ left: Int32, _ right: Int32) -> Bool { joints.contains(Pair(left: left, right: right)) }

    /// The two tokens of a merge. Throws `malformedMerge`.
    private static func tokens(_ entry: TokenizerDefinition) throws(TokenizerError) -> ([UInt8], [UInt8]) {
        var parts: [[UInt8]] = []
        if let line = entry.value.string {
            parts = line.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false).map { Array($0) }
        } else if let pair = entry.value.array {
            parts = pair.map { Array(($0.string ?? "").utf8) }
        }
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
            throw .malformedMerge(file: entry.file, item: entry.item)
        }
        return (parts[0], parts[1])
    }

    /// A merge joins the last symbol of its left token to the first one of its right token, so these are the joints.
    private mutating func findJoints(_ vocabulary: Vocabulary, _ isSymbol: (Int32) -> Bool) {
        var firsts = (0..<Int32(vocabulary.size)).map { isSymbol($0) ? [$0] : [] }
        var lasts = firsts
        // Shorter tokens first: the parts of a token are known before it.
        let byLength = merges.sorted { vocabulary[$0.value.result]?.count ?? 0 < vocabulary[$1.value.result]?.count ?? 0 }
        for (pair, merge) in byLength {
            let result = Int(merge.result)
            for first in firsts[Int(pair.left)] where !firsts[result].contains(first) { firsts[result].append(first) }
            for last in lasts[Int(pair.right)] where !lasts[result].contains(last) { lasts[result].append(last) }
        }
        for pair in merges.keys {
            for last in lasts[Int(pair.left)] {
                for first in firsts[Int(pair.right)] { joints.insert(Pair(left: last, right: first)) }
            }
        }
    }
}
