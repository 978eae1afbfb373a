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

    /// Query rows in one block: scores of a block stay in the cache.
    private static let queriesPerBlock = 128

    package init(heads: Int, keyValueHeads: Int, headSize: Int, scale: Float) {
        self.heads = heads
        self.keyValueHeads = keyValueHeads
        self.headSize = headSize
        self.scale = scale
    }

    package var columns: Int { (heads + 2 * keyValueHeads) * headSize }

    private func query(_ head: Int) -> Range<Int> { head * headSize..<(head + 1) * headSize }
    private func key(_ head: Int) -> Range<Int> { (heads + head) * headSize..<(heads + head + 1) * headSize }
    private func value(_ head: Int) -> Range<Int> {
        (heads + keyValueHeads + head) * headSize..<(heads + keyValueHeads + head + 1) * headSize
    }

    /// mixed (N x H d) = softmax(scale Q K^T, causal) V for every head and every segment of rows.
    package func forward(_ buffer: MatrixView, segments: [Range<Int>], into mixed: inout MutableMatrixView) {
        let group = heads / keyValueHeads
        RowParallel.forEach(segments.count * heads, writing: &mixed) { piece, mixed in
            let (segment, head) = (segments[piece / heads], piece % heads)
            let rows = buffer.rows(segment)
            var scores = Matrix(rows: min(Self.queriesPerBlock, segment.count), columns: segment.count)
            for block in blocks(segment.count) {
                var view = scores.mutableView
                let probabilities = self.probabilities(rows.columns(query(head)), rows.columns(key(head / group)), block, &view)
                var output = mixed.tile(
                    rows: segment.lowerBound + block.lowerBound..<segment.lowerBound + block.upperBound, columns: query(head))
                let seen = rows.columns(value(head / group)).rows(0..<block.upperBound)
                LinearAlgebra.multiplySerially(probabilities.view, seen, into: &output)
            }
        }
    }

    /// dQ, dK and dV, in the buffer's own layout, given d(loss)/d(mixed). Overwrites `gradient`.
    package func backward(_ buffer: MatrixView, dMixed: MatrixView, segments: [Range<Int>], into gradient: inout MutableMatrixView) {
        let group = heads / keyValueHeads
        RowParallel.forEach(segments.count * keyValueHeads, writing: &gradient) { piece, gradient in
            let (segment, shared) = (segments[piece / keyValueHeads], piece % keyValueHeads)
            let rows = buffer.rows(segment)
            let (keys, values) = (rows.columns(key(shared)), rows.columns(value(shared)))
            let height = min(Self.queriesPerBlock, segment.count)
            var scores = Matrix(rows: height, columns: segment.count)
            var scoreGradients = Matrix(rows: height, columns: segment.count)
            for head in shared * group..<(shared + 1) * group {
                let (queries, outputs) = (rows.columns(query(head)), dMixed.rows(segment).columns(query(head)))
                for block in blocks(segment.count).reversed() {
                    // The last block of the first head reaches every key: it sets what the others add to.
                    let isFirst = head == shared * group && block.upperBound == segment.count
                    let end = block.upperBound
                    let seenRows = segment.lowerBound..<segment.lowerBound + end
                    var view = scores.mutableView
                    let probabilities = self.probabilities(queries, keys, block, &view)
                    let output = outputs.rows(block)
                    var dValue = gradient.tile(rows: seenRows, columns: value(shared))
                    LinearAlgebra.multiplySerially(probabilities.view.transposed, output, into: &dValue, adding: !isFirst)
                    var gradientRows = scoreGradients.mutableView
                    var dScores = gradientRows.leading(rows: block.count, columns: end)
                    LinearAlgebra.multiplySerially(output, values.rows(0..<end).transposed, into: &dScores)
                    for row in 0..<block.count {
                        softmaxBackward(probabilities.view.row(row), &dScores, row)
                    }
                    var dQuery = gradient.tile(rows: segment.lowerBound + block.lowerBound..<segment.lowerBound + end, columns: query(head))
                    LinearAlgebra.multiplySerially(dScores.view, keys.rows(0..<end), into: &dQuery, scale: scale)
                    var dKey = gradient.tile(rows: seenRows, columns: key(shared))
                    LinearAlgebra.multiplySerially(
                        dScores.view.transposed, queries.rows(block), into: &dKey, scale: scale, adding: !isFirst)
                }
            }
        }
    }

    private func blocks(_ count: Int) -> [Range<Int>] {
        stride(from: 0, to: count, by: Self.queriesPerBlock).map { $0..<min(count, $0 + Self.queriesPerBlock) }
    }

    /// The block's softmax rows over the keys up to its last query; keys after a row's own position get 0.
    @_lifetime(&scores)
    private func probabilities(_ queries: MatrixView, _ keys: MatrixView, _ block: Range<Int>, _ scores: inout MutableMatrixView)
        -> MutableMatrixView
    {
        var result = scores.leading(rows: block.count, columns: block.upperBound)
        LinearAlgebra.multiplySerially(queries.rows(block), keys.rows(0..<block.upperBound).transposed, into: &result, scale: scale)
        for row in 0..<block.count {
            var values = result.row(row)
            let visible = block.lowerBound + row + 1
            for column in visible..<values.count { values[column] = 0 }
            let largest = values.span.extracting(0..<visible).maximum()
            for column in 0..<visible { values[column] = exponential(values[column] - largest) }
            let inverse = 1 / values.span.extracting(0..<visible).sum()
            for column in 0..<visible { values[column] *= inverse }
        }
        return result
    }

    /// dS = P (dP - sum(P dP)), in place of dP.
    private func softmaxBackward(_ probabilities: Span<Float>, _ gradient: inout MutableMatrixView, _ row: Int) {
        var values = gradient.row(row)
        let mean = probabilities.dot(values.span)
        for column in values.indices { values[column] = probabilities[column] * (values[column] - mean) }
    }
}
