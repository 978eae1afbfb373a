internal import Checkpoints
internal import Storage
internal import SystemPackage
internal import Tensors

/// The change of one tensor as a product of thin matrices, and what applying that makes of the tensor, which is not what was edited.
struct LowRankChange {
    let left: [Float]
    let right: [Float]
    let before: SHA256Digest
    let edited: SHA256Digest
    /// Of base + left right, as it is stored.
    let after: SHA256Digest
    let changedWords: Int
    /// |edited - result| / |edited - base|, of the stored values.
    let residual: Double

    /// Nil where the tensor is better kept by its difference: it did not change, is no matrix of a dtype that is computed with and of finite
    /// values, its factors would take as many bytes as itself, or its change has no such rank. Holds the tensor three times, as Float.
    init?(of tensor: TensorDescription, from base: InputFile, to edited: InputFile, rank: Int) throws {
        guard tensor.shape.count > 1, tensor.dtype.isComputable, let rows = tensor.shape.first else { return nil }
        let columns = tensor.shape.dropFirst().reduce(1, *)
        guard rank < min(rows, columns), 4 * rank * (rows + columns) < tensor.byteCount else { return nil }
        let blocks = DifferenceBlocks(of: tensor)
        var change = Matrix(rows: rows, columns: columns)
        let sides = (PassingBytes(base), PassingBytes(edited))
        var isFinite = true
        for run in blocks.runs {
            let range = blocks.bytes(of: run)
            try RowParallel.both({ try sides.0.pass(range) }, { try sides.1.pass(range) })
            let (old, new) = (tensor.values(sides.0.bytes), tensor.values(sides.1.bytes))
            var target = change.mutableElements
            let start = range.lowerBound / blocks.words.width
            for index in old.indices {
                let difference = new[index] - old[index]
                isFinite = isFinite && difference.isFinite
                target[start + index] = difference
            }
        }
        guard let before = sides.0.digest(), let after = sides.1.digest(), before != after, isFinite,
            let factors = LowRankFactors(of: change, rank: rank, name: tensor.name)
        else { return nil }
        (self.before, self.edited) = (before, after)
        left = factors.left.elements.array
        right = factors.right.elements.array
        let step = LowRankStep(tensor, left: left, right: right)
        let digest = RunningDigest()
        var (words, squares, missed) = (0, 0.0, 0.0)
        for run in blocks.runs {
            let range = blocks.bytes(of: run)
            let stored = try base.bytes(at: range.lowerBound, count: range.count)
            let goal = tensor.values(try edited.bytes(at: range.lowerBound, count: range.count))
            let made = step.blocks(blocks.split(stored, of: run), of: run, in: blocks)
            guard !made.contains(where: { $0 == nil }) else { return nil }
            let result = made.compactMap(\.self)
            digest.update(result)
            let whole = result.flatMap(\.self)
            words += blocks.words.planes(from: stored.span, to: whole.span).changed
            for (index, (old, new)) in zip(tensor.values(stored), tensor.values(whole)).enumerated() {
                squares += Double(goal[index] - old) * Double(goal[index] - old)
                missed += Double(goal[index] - new) * Double(goal[index] - new)
            }
        }
        (self.after, changedWords) = (digest.digest(), words)
        residual = (missed / squares).squareRoot()
    }
}

extension TensorDescription {
    /// Stored elements as Float.
    fileprivate func values(_ bytes: [UInt8]) -> [Float] {
        var values = [Float](repeating: 0, count: bytes.count * 8 / dtype.bitWidth)
        var span = values.mutableSpan
        StoredScalar.decode(bytes.span, as: dtype, into: &span)
        return values
    }
}

extension Span<Float> {
    fileprivate var array: [Float] { indices.map { self[$0] } }
}
