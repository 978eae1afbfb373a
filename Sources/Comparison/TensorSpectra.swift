internal import Checkpoints
internal import Tensors

/// What the singular values of a tensor tell; what is nil was not asked for, or could not be computed.
package struct TensorSpectra: Sendable {
    /// Of the difference.
    package var difference: Spectrum?
    /// Power laws in the tails of the eigenvalues of W^T W, before and after; nil where none could be fitted at all.
    package var tails: (before: PowerLawTail?, after: PowerLawTail?)?
    /// Why something that was asked for is missing.
    package var remark: String?
}

extension TensorComparer {
    /// The largest smaller side of a matrix whose tail is fitted: it takes the square of it in memory, and the cube in time.
    private static let tailSide = 4096

    /// Spectra of what changed; nil where none are asked for, or the tensor is no matrix.
    func spectra(_ sums: DifferenceSums) throws -> TensorSpectra? {
        let shape = after.description.shape
        guard needs.spectra || needs.tails, shape.count > 1, let rows = shape.first, rows > 1 else { return nil }
        let columns = shape.dropFirst().reduce(1, *)
        guard columns > 1 else { return nil }
        let side = min(rows, columns)
        var spectra = TensorSpectra()
        if needs.spectra && sums.squares > 0 {
            spectra.remark = objection(rows, columns, isComplete: side <= Spectrum.completeSide)
            if spectra.remark == nil { spectra.difference = try spectrum(rows, columns, norm: sums.squares.squareRoot()) }
        }
        if needs.tails {
            spectra.remark =
                side > Self.tailSide ? "its sides are longer than \(Self.tailSide)" : objection(rows, columns, isComplete: true)
            if spectra.remark == nil { spectra.tails = (try tail(rows, columns, ofAfter: false), try tail(rows, columns, ofAfter: true)) }
        }
        return spectra
    }

    /// Why its spectrum is not to be computed; nil where it is.
    private func objection(_ rows: Int, _ columns: Int, isComplete: Bool) -> String? {
        let bytes = Spectrum.memory(rows: rows, columns: columns, isComplete: isComplete)
        return bytes > needs.memory ? "its singular values take \(bytes >> 20) MiB, more than --memory allows" : nil
    }

    private func spectrum(_ rows: Int, _ columns: Int, norm: Double) throws -> Spectrum? {
        var difference = Matrix(rows: rows, columns: columns)
        var elements = difference.mutableElements
        try fill(&elements, before: -1, after: 1)
        return Spectrum(difference, norm: norm, seed: needs.seed, name: after.description.name)
    }

    private func tail(_ rows: Int, _ columns: Int, ofAfter: Bool) throws -> PowerLawTail? {
        var matrix = Matrix(rows: rows, columns: columns)
        var elements = matrix.mutableElements
        try fill(&elements, before: ofAfter ? 0 : 1, after: ofAfter ? 1 : 0)
        let singular = GramSpectrum.singularValues(matrix.view) ?? []
        // Smaller ones are nothing but rounding.
        let least = (singular.first ?? 0) * 1e-7
        return PowerLawTail(singular.filter { $0 > least }.map { $0 * $0 }, seed: needs.seed, name: after.description.name)
    }

    /// The sum of both sides, each times a factor; 0 where that is not finite.
    private func fill(_ elements: inout MutableSpan<Float>, before factorBefore: Float, after factorAfter: Float) throws {
        var first = [Float](repeating: 0, count: min(elements.count, Self.pieceSize))
        var second = first
        for start in stride(from: 0, to: elements.count, by: Self.pieceSize) {
            let range = start..<min(start + Self.pieceSize, elements.count)
            try decode(before, range, into: &first)
            try decode(after, range, into: &second)
            for index in range {
                let value = factorBefore * first[index - start] + factorAfter * second[index - start]
                elements[index] = value.isFinite ? value : 0
            }
        }
    }

    private func decode(_ tensor: ComparedTensor, _ range: Range<Int>, into values: inout [Float]) throws {
        var span = values.mutableSpan
        var part = span._mutatingExtracting(0..<range.count)
        let elements = try tensor.elements(range)
        StoredScalar.decode(elements.bytes, as: tensor.description.dtype, into: &part)
    }
}
