/// All ways to write a text in tokens, and Viterbi's search for the one of the highest sum of scores.
struct UnigramLattice: Sendable {
    /// What an unknown character scores below the worst token.
    static let unknownPenalty = 10.0
    /// SentencePiece adds in Float and starts anew from 0 where a sum is beyond this.
    private static let singlePrecisionLimit = 100_000.0

    private let tokens: DoubleArrayTrie
    /// By token; NaN for SentencePiece's own symbols, which score by their length so as to be always taken.
    private let scores: [Double]
    private let unknownScore: Double
    /// Whether sums are rounded as Float rounds them, which decides between ways of nearly equal scores.
    private let isSinglePrecision: Bool

    /// A token of a text, or an unknown character (number -1).
    struct Piece {
        let range: Range<Int>
        let number: Int32
    }

    /// What a search needs and what it finds; kept so that it need not be allocated for each text.
    struct Path {
        fileprivate(set) var pieces: [Piece] = []
        /// By end of a piece: the best sum so far, where its last piece begins (-1: none does), and that piece's number.
        /// Longer than the text where another was; what was left there counts for nothing.
        fileprivate var nodes: [Node] = []

        fileprivate typealias Node = (score: Double, start: Int32, number: Int32)
    }

    init(_ tokens: ByteTrie, scores: [Double], unknownScore: Double, isSinglePrecision: Bool = false) {
        (self.tokens, self.scores, self.unknownScore) = (DoubleArrayTrie(tokens), scores, unknownScore)
        self.isSinglePrecision = isSinglePrecision
    }

    /// Finds the best way to write the text, valid UTF-8. Of equal ones, that whose last piece begins first.
    func findBest(_ text: Span<UInt8>, _ path: inout Path) {
        if path.nodes.count <= text.count {
            path.nodes += repeatElement((score: 0, start: -1, number: -1), count: text.count + 1 - path.nodes.count)
        }
        var nodes = path.nodes.mutableSpan
        nodes[0] = (0, -1, -1)
        var start = 0
        var frontier = 0
        while start < text.count {
            if isSinglePrecision { startAnew(at: start, frontier, &nodes) }
            let base = nodes[start].score
            let characterEnd = start + text.scalarLength(at: start)
            var hasCharacter = false
            var end = start
            var unit = tokens.root
            while end < text.count, let next = tokens.unit(behind: unit, text[end]) {
                unit = next
                end += 1
                guard unit.number >= 0 else { continue }
                hasCharacter = hasCharacter || end == characterEnd
                offer(sum(base, score(unit.number, length: end - start)), start, unit.number, at: end, &frontier, &nodes)
            }
            if !hasCharacter {
                offer(sum(base, unknownScore), start, -1, at: characterEnd, &frontier, &nodes)
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

    /// - Parameter frontier: the furthest end of a piece; the nodes behind it have not been made yet.
    @inline(__always)
    private func offer(
        _ score: Double, _ start: Int, _ number: Int32, at end: Int, _ frontier: inout Int, _ nodes: inout MutableSpan<Path.Node>
    ) {
        if end > frontier {
            for place in frontier + 1..<end { nodes[place].start = -1 }
            frontier = end
        } else if nodes[end].start >= 0, score <= nodes[end].score {
            return
        }
        nodes[end] = (score, Int32(truncatingIfNeeded: start), number)
    }

    @inline(__always)
    private func score(_ number: Int32, length: Int) -> Double {
        let score = scores[Int(number)]
        return score.isNaN ? Double(Float(0.1 * Double(length - 1))) : score
    }

    /// Of two numbers that Float holds, Double's sum rounded once more is Float's own.
    @inline(__always)
    private func sum(_ left: Double, _ right: Double) -> Double { isSinglePrecision ? Double(Float(left + right)) : left + right }

    @inline(__always)
    private func startAnew(at start: Int, _ frontier: Int, _ nodes: inout MutableSpan<Path.Node>) {
        let offset = nodes[start].score
        guard abs(offset) > Self.singlePrecisionLimit else { return }
        for end in start...max(start, frontier) where end == start || nodes[end].start >= 0 {
            nodes[end].score = sum(nodes[end].score, -offset)
        }
    }
}
