/// SentencePiece's byte-pair encoding: two neighbours merge where together they are a piece, the one of the highest score first.
///
/// The symbols are the pieces, by their ids, and behind them the single characters that pieces are made of without being one.
struct SentencePieceMerges: Sendable {
    private var symbols = ByteStringTable()
    private var merges: MergeTable
    private let pieceCount: Int
    /// By index in `symbols`: the symbol.
    private var numbers: [Int32] = []
    /// Of the symbols behind the pieces: index in `symbols`.
    private var characters: [Int] = []

    init(_ pieces: [SentencePieceModel.Piece], _ vocabulary: Vocabulary) {
        pieceCount = pieces.count
        merges = MergeTable(capacity: pieces.count)
        let normal = pieces.indices.filter { pieces[$0].kind == .normal }
        for index in pieces.indices where pieces[index].isWritten {
            let text = pieces[index].text
            insert(text.span, Int32(index))
        }
        for index in normal {
            let bytes = pieces[index].text
            let text = bytes.span
            var position = 0
            while position < text.count {
                let end = position + text.scalarLength(at: position)
                insert(text.extracting(position..<end), Int32(pieceCount + characters.count))
                position = end
            }
        }
        // The highest first; pieces of one score share a rank, and then the leftmost goes first. By its bits -0 is below 0.
        let order = normal.sorted { !pieces[$0].score.isTotallyOrdered(belowOrEqualTo: pieces[$1].score) }
        var rank: UInt32 = 0
        for (place, index) in order.enumerated() {
            if place > 0, pieces[order[place - 1]].score.bitPattern != pieces[index].score.bitPattern { rank += 1 }
            addMerges(into: Int32(index), pieces[index].text, rank: rank, pieces)
        }
        merges.findJoints(symbols: pieceCount + characters.count, length: { $0 < pieces.count ? pieces[Int($0)].text.count : 0 }) {
            symbol in
            guard symbol < pieces.count else { return true }
            let text = pieces[Int(symbol)].text
            return pieces[Int(symbol)].isWritten && text.dropFirst().allSatisfy { $0 & 0xC0 == 0x80 }
        }
    }

    private mutating func insert(_ text: Span<UInt8>, _ number: Int32) {
        let (index, isNew) = symbols.insert(text)
        guard isNew else { return }
        numbers.append(number)
        if number >= pieceCount { characters.append(index) }
    }

    /// Every way to cut a piece into two symbols. Symbols of the user are found before and never merge.
    private mutating func addMerges(into result: Int32, _ text: [UInt8], rank: UInt32, _ pieces: [SentencePieceModel.Piece]) {
        let text = text.span
        var cut = 0
        while true {
            cut += text.scalarLength(at: cut)
            guard cut < text.count else { return }
            guard let left = symbols.index(of: text.extracting(0..<cut)), let right = symbols.index(of: text.extracting(cut..<text.count))
            else { continue }
            let (first, second) = (numbers[left], numbers[right])
            guard ![first, second].contains(where: { $0 < pieceCount && pieces[Int($0)].kind == .userDefined }) else { continue }
            merges.insert(first, second, MergeTable.Merge(rank: rank, result: result))
        }
    }

    /// Calls `append` with the pieces of a text and `appendUnknown` with the characters that are none, in order.
    func encode(
        _ text: Span<UInt8>, _ userDefined: ByteTrie, with workspace: inout Model.Workspace, _ append: (Int32) -> Void,
        _ appendUnknown: ([UInt8]) -> Void
    ) {
        func finish() {
            workspace.symbols.removeAll(keepingCapacity: true)
            workspace.merger.finish(merges, into: &workspace.symbols)
            for symbol in workspace.symbols {
                if symbol < pieceCount { append(symbol) } else { appendUnknown(Array(symbols[characters[Int(symbol) - pieceCount]])) }
            }
        }
        var lastSymbol: Int32?
        var position = 0
        while position < text.count {
            let start = position
            if !userDefined.isEmpty, let (end, piece) = userDefined.longestMatch(in: text, at: start) {
                finish()
                lastSymbol = nil
                append(piece)
                position = end
                continue
            }
            position += text.scalarLength(at: start)
            let character = text.extracting(start..<position)
            guard let index = symbols.index(of: character) else {
                finish()
                lastSymbol = nil
                appendUnknown(Array(copying: character))
                continue
            }
            let symbol = numbers[index]
            if let lastSymbol, !merges.mayJoin(lastSymbol, symbol) { finish() }
            workspace.merger.append(symbol)
            lastSymbol = symbol
        }
        finish()
    }
}
