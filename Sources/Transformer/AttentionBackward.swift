package import Tensors

extension Attention {
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
            if window != nil {
                for columns in [key(shared), value(shared)] {
                    var whole = gradient.tile(rows: segment, columns: columns)
                    clear(&whole)
                }
            }
            for head in shared * group..<(shared + 1) * group {
                let (queries, outputs) = (rows.columns(query(head)), dMixed.rows(segment).columns(query(head)))
                for block in blocks(segment.count).reversed() {
                    // Without a window, the last block of the first head reaches every key: it sets what the others add to.
                    let isFirst = window == nil && head == shared * group && block.upperBound == segment.count
                    let seen = seen(block)
                    let seenRows = seen.shifted(by: segment.lowerBound)
                    var view = scores.mutableView
                    let probabilities = self.probabilities(queries, keys, head: head, block, &view)
                    let output = outputs.rows(block)
                    var dValue = gradient.tile(rows: seenRows, columns: value(shared))
                    LinearAlgebra.multiplySerially(probabilities.view.transposed, output, into: &dValue, adding: !isFirst)
                    var gradientRows = scoreGradients.mutableView
                    var dScores = gradientRows.leading(rows: block.count, columns: seen.count)
                    LinearAlgebra.multiplySerially(output, values.rows(seen).transposed, into: &dScores)
                    for row in 0..<block.count { softmaxBackward(probabilities.view.row(row), &dScores, row) }
                    softcapBackward(queries, keys, block, &view, &dScores)
                    var dQuery = gradient.tile(rows: block.shifted(by: segment.lowerBound), columns: query(head))
                    LinearAlgebra.multiplySerially(dScores.view, keys.rows(seen), into: &dQuery, scale: scale)
                    var dKey = gradient.tile(rows: seenRows, columns: key(shared))
                    LinearAlgebra.multiplySerially(
                        dScores.view.transposed, queries.rows(block), into: &dKey, scale: scale, adding: !isFirst)
                }
            }
        }
    }

    /// dS = P (dP - sum(P dP)), in place of dP.
    private func softmaxBackward(_ probabilities: Span<Float>, _ gradient: inout MutableMatrixView, _ row: Int) {
        var values = gradient.row(row)
        let mean = probabilities.dot(values.span)
        for column in values.indices { values[column] = probabilities[column] * (values[column] - mean) }
    }

    /// The gradient by the scores before the softcap, in place of that after it; computes the capped scores anew.
    private func softcapBackward(
        _ queries: MatrixView, _ keys: MatrixView, _ block: Range<Int>, _ scores: inout MutableMatrixView,
        _ gradient: inout MutableMatrixView
    ) {
        guard let softcap else { return }
        let capped = cappedScores(queries, keys, block, &scores)
        for row in 0..<block.count {
            var values = gradient.row(row)
            Softcap.backward(softcap, capped: capped.view.row(row), &values)
        }
    }
}

private func clear(_ tile: inout MutableMatrixView) {
    for index in 0..<tile.rows {
        var row = tile.row(index)
        row.update(repeating: 0)
    }
}
