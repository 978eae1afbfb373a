/// All ways to write a text in tokens, and Viterbi's search for the one of the highest sum of scores.
struct UnigramLattice: Sendable {
    /// What an unknown character scores below the worst token.
    static let unknownPenalty = 10.0
    /// SentencePiece adds in Float and starts anew from 0 where a sum is beyond this.
    private static let singlePrecisionLimit = 100_000.0

    private let tokens: ByteTrie
    private let scores: [Double]
    private let unknownScore: Double
    /// Whether sums are rounded as Float rounds them, which decides between ways of nearly equal scores.
    private let isSinglePrecision: Bool
    /// By token: whether it is one of SentencePiece's own symbols, which score by their length so as to be always taken. Or empty.
    private let isUserDefined: [Bool]

    /// A token of a text, or an unknown character (number -1).
    struct Piece {
        let range: Range<Int>
        let number: Int32
    }

    /// What a search needs and what it finds; kept so that it need not be allocated for each text.
    struct Path {
        fileprivate(set) var pieces: [Piece] = []
        /// By end of a piece: the best sum so far, where its last piece begins (-1: none does), and that piece's number.
        fileprivate var nodes: [(score: Double, start: Int32, number: Int32)] = []
    }

    init(_ tokens: ByteTrie, scores: [Double], unknownScore: Double, isSinglePrecision: Bool = false, isUserDefined: [Bool] = []) {
        (self.tokens, self.scores, self.unknownScore) = (tokens, scores, unknownScore)
        (self.isSinglePrecision, self.isUserDefined) = (isSinglePrecision, isUserDefined)
    }

    /// Finds the best way to write the text, valid UTF-8. Of equal ones, that whose last piece begins first.
    func findBest(_ text: Span<UInt8>, _ path: inout Path) {
        path.nodes.removeAll(keepingCapacity: true)
        path.nodes.append(contentsOf: repeatElement((score: 0, start: -1, number: -1), count: text.count + 1))
        var start = 0
        var frontier = 0
        while start < text.count {
            if isSinglePrecision { startAnew(at: start, frontier, &path) }
            let base = path.nodes[start].score
            let characterEnd = start + text.scalarLength(at: start)
            var hasCharacter = false
            tokens.forEachMatch(in: text, at: start) { end, number in
                frontier = max(frontier, end)
                hasCharacter = hasCharacter || end == characterEnd
                offer(sum(base, score(number, length: end - start)), start, number, at: end, &path)
            }
            if !hasCharacter {
                frontier = max(frontier, characterEnd)
                offer(sum(base, unknownScore), start, -1, at: characterEnd, &path)
            }
            start = characterEnd
        }
        path.pieces.removeAll(keepingCapacity: true)
        var end = text.count
        while end > 0 {
            let node = path.nodes[end]
            path.pieces.append(Piece(range: Int(node.start)..<end, number: node.number))
            end = Int(node.start)
        }
        path.pieces.reverse()
    }

    @inline(__always)
    private func offer(_ score: Double, _ start: Int, _ number: Int32, at end: Int, _ path: inout Path) {
        if path.nodes[end].start < 0 || score > path.nodes[end].score {
            path.nodes[end] = (score, Int32(truncatingIfNeeded: start), number)
        }
    }

    @inline(__always)
    private func score(_ number: Int32, length: Int) -> Double {
        guard !isUserDefined.isEmpty, isUserDefined[Int(number)] else { return scores[Int(number)] }
        return Double(Float(0.1 * Double(length - 1)))
    }

    /// Of two numbers that Float holds, Double's sum rounded once more is Float's own.
    @inline(__always)
    private func sum(_ left: Double, _ right: Double) -> Double { isSinglePrecision ? Double(Float(left + right)) : left + right }

    private func startAnew(at start: Int, _ frontier: Int, _ path: inout Path) {
        let offset = path.nodes[start].score
        guard abs(offset) > Self.singlePrecisionLimit else { return }
        for end in start...max(start, frontier) where end == start || path.nodes[end].start >= 0 {
            path.nodes[end].score = sum(path.nodes[end].score, -offset)
        }
    }
}
