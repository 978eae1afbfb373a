internal import Tensors
internal import Transformer

/// A F^-1 A^T for the examples' gradients A and an F that has been made, in one backward sweep: the Gram matrix of W A^T.
final class StoredGram: GradientTap {
    let needsEveryExample = true
    private let fisher: any StoredFisher
    private var joined: WholeBlocks
    private(set) var gram: GramMatrix

    init(_ fisher: any StoredFisher, rows: Int) {
        self.fisher = fisher
        joined = WholeBlocks(size: fisher.blockSize)
        gram = GramMatrix(count: rows)
    }

    func visit(_ slice: ParameterSlice, _ factors: borrowing GradientFactors, examples: Range<Int>) throws {
        let count = fisher.meanGradient.count(of: slice.name)
        try fisher.express(slice, factors) { factors in
            try GradientTiles.forEach(of: slice, factors, examples: gram.count) { rows, gradients in
                try joined.add(&gradients, from: slice.offset + rows.lowerBound * slice.columns, of: count) { offset, gradients in
                    try fisher.whiten(&gradients, of: slice.name, from: offset)
                    gram.add(gradients.view)
                }
            }
        }
    }

    func finish(_ group: ParameterGroup) throws -> Bool { false }
}

/// F^-1 A^T c for an F that has been made, written parameter by parameter in one backward sweep; and its first-order effect.
final class StoredStep: GradientTap {
    let needsEveryExample = true
    private let fisher: any StoredFisher
    private let coefficients: [Float]
    private let step: ParameterStore
    private var joined: WholeBlocks
    /// The first-order change of the retain examples' mean loss.
    private(set) var retainChange = 0.0

    init(_ fisher: any StoredFisher, _ coefficients: [Double], into step: ParameterStore) {
        self.fisher = fisher
        joined = WholeBlocks(size: fisher.blockSize)
        self.coefficients = coefficients.map(Float.init)
        self.step = step
    }

    func visit(_ slice: ParameterSlice, _ factors: borrowing GradientFactors, examples: Range<Int>) throws {
        var sum = Matrix(rows: slice.rows, columns: slice.columns)
        var gradient = sum.mutableView
        factors.weightedGradient(coefficients, ofRows: 0..<slice.rows, into: &gradient)
        guard let basis = try fisher.basis(of: slice.name) else {
            return try invert(&sum, of: slice) { offset, piece in try step.write(slice.name, from: offset, piece.row(0)) }
        }
        // The sum is turned, and not its factors: all examples' tokens are mostly more than it has rows and columns.
        basis.turn(&sum)
        try invert(&sum, of: slice)
        basis.turnBack(&sum)
        try step.write(slice.name, from: 0, sum.elements)
    }

    /// Replaces A^T c of a slice by F^-1 A^T c, piece by piece, each of which is shown with its place within the parameter.
    private func invert(_ sum: inout Matrix, of slice: ParameterSlice, _ show: (Int, MatrixView) throws -> Void = { _, _ in }) throws {
        var view = sum.mutableView
        var vector = view.leading(rows: 1, columns: slice.rows * slice.columns)
        for start in stride(from: 0, to: vector.columns, by: SweepPlan.pieceElements) {
            var piece = vector.columns(start..<min(vector.columns, start + SweepPlan.pieceElements))
            try joined.add(&piece, from: slice.offset + start, of: step.count(of: slice.name)) { offset, piece in
                try invert(&piece, of: slice.name, from: offset)
                try show(offset, piece.view)
            }
        }
    }

    /// Replaces a part of A^T c by that of F^-1 A^T c, and adds its effect.
    private func invert(_ vector: inout MutableMatrixView, of name: String, from offset: Int) throws {
        try fisher.invert(&vector, of: name, from: offset)
        var gradient = Matrix(rows: 1, columns: vector.columns)
        var elements = gradient.mutableElements
        try fisher.meanGradient.read(name, from: offset, into: &elements)
        retainChange += inner(elements.span, vector.view.row(0))
    }

    func finish(_ group: ParameterGroup) throws -> Bool { false }
}

/// In Double.
private func inner(_ a: Span<Float>, _ b: Span<Float>) -> Double {
    var sum = 0.0
    for index in a.indices { sum += Double(a[index]) * Double(b[index]) }
    return sum
}
