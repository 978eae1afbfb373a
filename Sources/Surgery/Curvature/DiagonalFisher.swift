package import Checkpoints
internal import Storage
package import SystemPackage
package import Tensors
package import Transformer

/// The diagonal of the empirical Fisher, damped: f_j = 1/m sum_i g_ij^2 + rho * mean(1/m sum_i g_i^2), g_i the gradient of
/// example i's mean loss; and the mean gradient beside it. As a tap it is filled in one backward sweep.
///
/// In the bases of EKFAC it is that approximation: Kronecker factors' eigenvectors with the eigenvalues corrected.
package final class DiagonalFisher: GradientTap, StoredFisher {
    package let needsEveryExample = false
    package let blockSize = 1
    private let exampleCount: Int
    private let entries: Int
    private let squares: ParameterStore
    /// 1/m sum_i g_i: the first-order effect of a step on the examples' mean loss is its inner product with this.
    package let meanGradient: ParameterStore
    private let rho: Double
    private let bases: KroneckerBases?
    private var total = 0.0

    /// - Parameters:
    ///   - rho: damping relative to the mean of the undamped diagonal.
    ///   - entries: how many of its entries may be other than zero, where not all.
    package init(
        _ model: LanguageModel, _ names: [String]? = nil, examples: Int, rho: Double, bases: KroneckerBases? = nil,
        entries: Int? = nil, scratch: FilePath
    ) throws {
        exampleCount = examples
        (self.rho, self.bases) = (rho, bases)
        squares = try ParameterStore(model, names, in: scratch)
        meanGradient = try ParameterStore(model, names, in: scratch)
        self.entries = max(1, entries ?? squares.count)
    }

    package func visit(_ slice: ParameterSlice, _ factors: borrowing GradientFactors, examples: Range<Int>) throws {
        try express(slice, factors) { try add($0, of: slice, examples) }
    }

    private func add(_ factors: borrowing GradientFactors, of slice: ParameterSlice, _ examples: Range<Int>) throws {
        let share = 1 / Float(exampleCount)
        let count = factors.exampleCount
        var sums = Matrix(rows: 2, columns: 0)
        try GradientTiles.forEach(of: slice, factors, examples: exampleCount, atOnce: GradientTiles.examplesInCache) {
            rows, part, gradients in
            let offset = slice.offset + rows.lowerBound * slice.columns
            if part.lowerBound == 0 { sums = try begun(slice.name, from: offset, count: gradients.columns, examples) }
            var view = sums.mutableView
            Self.accumulate(gradients.view, share: share, into: &view)
            guard part.upperBound == count else { return }
            try squares.write(slice.name, from: offset, sums.view.row(0))
            try meanGradient.write(slice.name, from: offset, sums.view.row(1))
            if examples.upperBound == exampleCount {
                for value in 0..<sums.columns { total += Double(sums.elements[value]) }
            }
        }
    }

    /// The sums of a part of a parameter over the examples before these: of squares, and of gradients.
    private func begun(_ name: String, from offset: Int, count: Int, _ examples: Range<Int>) throws -> Matrix {
        var sums = Matrix(rows: 2, columns: count)
        for (row, store) in [squares, meanGradient].enumerated() where examples.lowerBound > 0 {
            var part = sums.mutableRows(row..<row + 1)
            try store.read(name, from: offset, into: &part.elements)
        }
        return sums
    }

    package func finish(_ group: ParameterGroup) throws -> Bool { false }

    package func basis(of name: String) throws -> KroneckerBasis? { try bases?.basis(of: name) }

    /// What is added to every entry.
    package var damping: Float { Float(max(rho * total / Double(entries), Double(Float.leastNormalMagnitude))) }

    /// The damped diagonal of a part of a parameter.
    package func read(_ name: String, from offset: Int, into values: inout MutableSpan<Float>) throws {
        try squares.read(name, from: offset, into: &values)
        let damping = damping
        for index in values.indices { values[index] += damping }
    }

    package func whiten(_ rows: inout MutableMatrixView, of name: String, from offset: Int) throws {
        try multiply(&rows, of: name, from: offset) { 1 / $0.squareRoot() }
    }

    package func invert(_ vector: inout MutableMatrixView, of name: String, from offset: Int) throws {
        try multiply(&vector, of: name, from: offset) { 1 / $0 }
    }

    package func root(_ vector: inout MutableMatrixView, of name: String, from offset: Int) throws -> Double {
        var trace = 0.0
        try multiply(&vector, of: name, from: offset) { value in
            let root = 1 / value.squareRoot()
            trace += Double(root)
            return root.squareRoot()
        }
        return trace
    }

    /// Multiplies the columns by a function of the damped diagonal's entries.
    private func multiply(
        _ rows: inout MutableMatrixView, of name: String, from offset: Int, by factor: (Float) -> Float
    ) throws {
        var scales = Matrix(rows: 1, columns: rows.columns)
        var elements = scales.mutableElements
        try read(name, from: offset, into: &elements)
        for index in elements.indices { elements[index] = factor(elements[index]) }
        let factors = scales.view.row(0)
        RowParallel.rows(of: &rows, perBlock: 1) { _, rows in
            var row = rows.row(0)
            for column in row.indices { row[column] *= factors[column] }
        }
    }

    private static func accumulate(_ gradients: MatrixView, share: Float, into sums: inout MutableMatrixView) {
        let width = 4096
        let columns = gradients.columns
        RowParallel.forEach((columns + width - 1) / width, writing: &sums) { piece, shared in
            let range = piece * width..<min(columns, (piece + 1) * width)
            var squares = shared.tile(rows: 0..<1, columns: range)
            var means = shared.tile(rows: 1..<2, columns: range)
            for example in 0..<gradients.rows {
                let gradient = gradients.row(example).extracting(range)
                for column in gradient.indices { squares.elements[column] += gradient[column] * gradient[column] * share }
                for column in gradient.indices { means.elements[column] += gradient[column] * share }
            }
        }
    }
}
