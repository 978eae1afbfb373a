package import Tensors

/// A smooth bound: y = c tanh(x / c).
package enum Softcap {
    /// y in place of x.
    package static func forward(_ cap: Float, _ values: inout MutableMatrixView) {
        RowParallel.rows(of: &values, perBlock: 1) { _, rows in
            var row = rows.row(0)
            forward(cap, &row)
        }
    }

    static func forward(_ cap: Float, _ values: inout MutableSpan<Float>) {
        let inverse = 1 / cap
        for index in values.indices { values[index] = cap * hyperbolicTangent(values[index] * inverse) }
    }

    /// d(loss)/dx in place of d(loss)/dy, given y.
    package static func backward(_ cap: Float, capped: MatrixView, _ gradient: inout MutableMatrixView) {
        RowParallel.rows(of: &gradient, perBlock: 1) { range, rows in
            var row = rows.row(0)
            backward(cap, capped: capped.row(range.lowerBound), &row)
        }
    }

    static func backward(_ cap: Float, capped: Span<Float>, _ gradient: inout MutableSpan<Float>) {
        let inverse = 1 / cap
        for index in gradient.indices {
            let tangent = capped[index] * inverse
            gradient[index] *= 1 - tangent * tangent
        }
    }
}
