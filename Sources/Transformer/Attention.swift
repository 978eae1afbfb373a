package import Tensors

/// Causal attention of one segment's rows over themselves, head by head; several query heads may share a key-value head.
///
/// The query-key-value buffer (N x (H + 2 K) d) holds H query heads, then K key heads, then K value heads, of d columns each.
package struct Attention: Sendable {
    package let heads: Int
    package let keyValueHeads: Int
    package let headSize: Int
    /// What scores are multiplied by before the softmax.
    package let scale: Float
    /// How many keys a query sees, its own the last; nil: all before it.
    package let window: Int?
    /// The bound of the scaled scores.
    package let softcap: Float?
    package let bias: LinearBias?

    /// Query rows in one block: scores of a block stay in the cache.
    static let queriesPerBlock = 128

    package init(
        heads: Int, keyValueHeads: Int, headSize: Int, scale: Float, window: Int? = nil, softcap: Float? = nil, bias: LinearBias? = nil
    ) {
        self.heads = heads
        self.keyValueHeads = keyValueHeads
        self.headSize = headSize
        self.scale = scale
        self.window = window
        self.softcap = softcap
        self.bias = bias
    }

    package var columns: Int { (heads + 2 * keyValueHeads) * headSize }

    func query(_ head: Int) -> Range<Int> { head * headSize..<(head + 1) * headSize }
    func key(_ head: Int) -> Range<Int> { (heads + head) * headSize..<(heads + head + 1) * headSize }
    func value(_ head: Int) -> Range<Int> { (heads + keyValueHeads + head) * headSize..<(heads + keyValueHeads + head + 1) * headSize }

    /// mixed (N x H d) = softmax(scale Q K^T, causal) V for every head and every segment of rows.
    package func forward(_ buffer: MatrixView, segments: [Range<Int>], into mixed: inout MutableMatrixView) {
        let group = heads / keyValueHeads
        RowParallel.forEach(segments.count * heads, writing: &mixed) { piece, mixed in
            let (segment, head) = (segments[piece / heads], piece % heads)
            let rows = buffer.rows(segment)
            var scores = Matrix(rows: min(Self.queriesPerBlock, segment.count), columns: segment.count)
            for block in blocks(segment.count) {
                var view = scores.mutableView
                let probabilities = self.probabilities(
                    rows.columns(query(head)), rows.columns(key(head / group)), head: head, block, &view)
                var output = mixed.tile(
                    rows: segment.lowerBound + block.lowerBound..<segment.lowerBound + block.upperBound, columns: query(head))
                let values = rows.columns(value(head / group)).rows(seen(block))
                LinearAlgebra.multiplySerially(probabilities.view, values, into: &output)
            }
        }
    }

    func blocks(_ count: Int) -> [Range<Int>] {
        stride(from: 0, to: count, by: Self.queriesPerBlock).map { $0..<min(count, $0 + Self.queriesPerBlock) }
    }

    /// The first key that a query sees.
    private func firstKey(_ query: Int) -> Int { window.map { max(0, query + 1 - $0) } ?? 0 }

    /// The keys that any query of a block sees.
    func seen(_ block: Range<Int>) -> Range<Int> { firstKey(block.lowerBound)..<block.upperBound }

    /// The block's scores over the keys that it sees, scaled and capped.
    @_lifetime(&scores)
    func cappedScores(_ queries: MatrixView, _ keys: MatrixView, _ block: Range<Int>, _ scores: inout MutableMatrixView)
        -> MutableMatrixView
    {
        let seen = seen(block)
        var result = scores.leading(rows: block.count, columns: seen.count)
        LinearAlgebra.multiplySerially(queries.rows(block), keys.rows(seen).transposed, into: &result, scale: scale)
        if let softcap {
            for row in 0..<block.count {
                var values = result.row(row)
                Softcap.forward(softcap, &values)
            }
        }
        return result
    }

    /// The block's softmax rows over the keys that it sees; keys that a row itself does not see get 0.
    @_lifetime(&scores)
    func probabilities(_ queries: MatrixView, _ keys: MatrixView, head: Int, _ block: Range<Int>, _ scores: inout MutableMatrixView)
        -> MutableMatrixView
    {
        var result = cappedScores(queries, keys, block, &scores)
        let first = seen(block).lowerBound
        if let bias {
            let added = bias.values(head: head, keys: seen(block))
            for row in 0..<block.count {
                var values = result.row(row)
                for column in values.indices { values[column] += added[column] }
            }
        }
        for row in 0..<block.count {
            let query = block.lowerBound + row
            let visible = firstKey(query) - first..<query + 1 - first
            var values = result.row(row)
            for column in 0..<visible.lowerBound { values[column] = 0 }
            for column in visible.upperBound..<values.count { values[column] = 0 }
            let largest = values.span.extracting(visible).maximum()
            for column in visible { values[column] = exponential(values[column] - largest) }
            let inverse = 1 / values.span.extracting(visible).sum()
            for column in visible { values[column] *= inverse }
        }
        return result
    }
}
