internal import Tensors
package import Transformer

/// A tap that adds up whole gradients: each example's, times its coefficient.
package final class GradientCollector: GradientTap {
    package let needsEveryExample: Bool
    private let coefficients: [Float]
    package private(set) var gradients: [String: [Float]] = [:]

    package init(coefficients: [Float], needsEveryExample: Bool = true) {
        self.coefficients = coefficients
        self.needsEveryExample = needsEveryExample
    }

    package func visit(_ slice: ParameterSlice, _ factors: borrowing GradientFactors, examples: Range<Int>) throws {
        var sum = Matrix(rows: slice.rows, columns: slice.columns)
        var view = sum.mutableView
        factors.weightedGradient(Array(coefficients[examples]), ofRows: 0..<slice.rows, into: &view)
        var whole = gradients[slice.name] ?? []
        let end = slice.offset + slice.rows * slice.columns
        whole += [Float](repeating: 0, count: max(0, end - whole.count))
        for index in 0..<sum.count { whole[slice.offset + index] += sum.elements[index] }
        gradients[slice.name] = whole
    }

    package func finish(_ group: ParameterGroup) throws -> Bool { false }
}
