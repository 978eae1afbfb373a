internal import Tensors
package import Transformer

/// A F^-1 A^T for the examples' gradients A and a diagonal F, gathered in one backward sweep.
package final class MetricGram: GradientTap {
    package let needsEveryExample = true
    private let fisher: DiagonalFisher
    package private(set) var gram: GramMatrix

    package init(_ fisher: DiagonalFisher, examples: Int) {
        self.fisher = fisher
        gram = GramMatrix(count: examples)
    }

    package func visit(_ slice: ParameterSlice, _ factors: borrowing GradientFactors, examples: Range<Int>) throws {
        try GradientTiles.forEach(of: slice, factors) { rows, gradients in
            var scales = Matrix(rows: 1, columns: gradients.columns)
            var elements = scales.mutableElements
            try fisher.read(slice.name, from: slice.offset + rows.lowerBound * slice.columns, into: &elements)
            for index in elements.indices { elements[index] = 1 / elements[index].squareRoot() }
            let factors = scales.view.row(0)
            RowParallel.rows(of: &gradients, perBlock: 1) { _, rows in
                var gradient = rows.row(0)
                for column in gradient.indices { gradient[column] *= factors[column] }
            }
            gram.add(gradients.view)
        }
    }

    package func finish(_ group: ParameterGroup) throws -> Bool { false }
}

/// The step F^-1 A^T c, written parameter by parameter in one backward sweep; and its first-order effect on the mean loss
/// of the examples whose mean gradient the Fisher keeps.
package final class MetricStep: GradientTap {
    package let needsEveryExample = true
    private let fisher: DiagonalFisher
    private let coefficients: [Float]
    private let step: ParameterStore
    package private(set) var predictedChange = 0.0

    package init(_ fisher: DiagonalFisher, coefficients: [Double], into step: ParameterStore) {
        self.fisher = fisher
        self.coefficients = coefficients.map(Float.init)
        self.step = step
    }

    package func visit(_ slice: ParameterSlice, _ factors: borrowing GradientFactors, examples: Range<Int>) throws {
        var direction = Matrix(rows: slice.rows, columns: slice.columns)
        var view = direction.mutableView
        factors.weightedGradient(coefficients, ofRows: 0..<slice.rows, into: &view)
        var other = Matrix(rows: slice.rows, columns: slice.columns)
        var metric = other.mutableElements
        try fisher.read(slice.name, from: slice.offset, into: &metric)
        var elements = direction.mutableElements
        for index in elements.indices { elements[index] /= metric[index] }
        try step.write(slice.name, from: slice.offset, elements.span)
        try fisher.meanGradient.read(slice.name, from: slice.offset, into: &metric)
        for index in elements.indices { predictedChange += Double(elements[index]) * Double(metric[index]) }
    }

    package func finish(_ group: ParameterGroup) throws -> Bool { false }
}
