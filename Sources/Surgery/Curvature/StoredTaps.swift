internal import Tensors
internal import Transformer

/// A F^-1 A^T for the examples' gradients A and an F that has been made, in one backward sweep: the Gram matrix of W A^T.
final class StoredGram: GradientTap {
    let needsEveryExample = true
    private let fisher: any StoredFisher
    private(set) var gram: GramMatrix

    init(_ fisher: any StoredFisher, rows: Int) {
        self.fisher = fisher
        gram = GramMatrix(count: rows)
    }

    func visit(_ slice: ParameterSlice, _ factors: borrowing GradientFactors, examples: Range<Int>) throws {
        try GradientTiles.forEach(of: slice, factors) { rows, gradients in
            try fisher.whiten(&gradients, of: slice.name, from: slice.offset + rows.lowerBound * slice.columns)
            gram.add(gradients.view)
        }
    }

    func finish(_ group: ParameterGroup) throws -> Bool { false }
}

/// F^-1 A^T c for an F that has been made, written parameter by parameter in one backward sweep; and its first-order effects.
final class StoredStep: GradientTap {
    let needsEveryExample = true
    private let fisher: any StoredFisher
    private let coefficients: [Float]
    private let step: ParameterStore
    private(set) var effect = StepEffect()

    init(_ fisher: any StoredFisher, _ coefficients: [Double], into step: ParameterStore) {
        self.fisher = fisher
        self.coefficients = coefficients.map(Float.init)
        self.step = step
    }

    func visit(_ slice: ParameterSlice, _ factors: borrowing GradientFactors, examples: Range<Int>) throws {
        var sum = Matrix(rows: slice.rows, columns: slice.columns)
        var view = sum.mutableView
        factors.weightedGradient(coefficients, ofRows: 0..<slice.rows, into: &view)
        var direction = Matrix(rows: 1, columns: sum.count)
        var elements = direction.mutableElements
        copy(sum.elements, into: &elements)
        var vector = direction.mutableView
        try fisher.invert(&vector, of: slice.name, from: slice.offset)
        try step.write(slice.name, from: slice.offset, direction.elements)
        effect.onRows += inner(sum.elements, direction.elements)
        var mean = sum.mutableElements
        try fisher.meanGradient.read(slice.name, from: slice.offset, into: &mean)
        effect.onRetain += inner(mean.span, direction.elements)
    }

    func finish(_ group: ParameterGroup) throws -> Bool { false }
}

private func copy(_ source: Span<Float>, into target: inout MutableSpan<Float>) {
    for index in source.indices { target[index] = source[index] }
}

/// In Double.
private func inner(_ a: Span<Float>, _ b: Span<Float>) -> Double {
    var sum = 0.0
    for index in a.indices { sum += Double(a[index]) * Double(b[index]) }
    return sum
}
