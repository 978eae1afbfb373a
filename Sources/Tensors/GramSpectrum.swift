/// Gram matrices of Float matrices in Double, and what they tell.
package enum GramSpectrum {
    /// Elements of a panel in Double.
    private static let panelSize = 1 << 20

    /// m^T m (n x n for n columns), both triangles.
    package static func gram(_ matrix: MatrixView) -> [Double] {
        let n = matrix.columns
        guard n > 0 else { return [] }
        var gram = [Double](repeating: 0, count: n * n)
        let rows = max(1, panelSize / max(1, n))
        var panel: [Double] = []
        for start in stride(from: 0, to: matrix.rows, by: rows) {
            let part = matrix.rows(start..<min(start + rows, matrix.rows))
            panel.removeAll(keepingCapacity: true)
            for row in 0..<part.rows { for column in 0..<n { panel.append(Double(part[row, column])) } }
            LinearAlgebra.addGram(panel, columns: n, into: &gram)
        }
        return mirrored(gram, n)
    }

    /// All singular values of a matrix, falling, from the Gram matrix of its smaller side: those below 1e-8 of the largest are lost
    /// in rounding. Nil where LAPACK does not converge.
    package static func singularValues(_ matrix: MatrixView) -> [Double]? {
        let narrow = matrix.columns <= matrix.rows ? matrix : matrix.transposed
        return LinearAlgebra.eigen(gram(narrow), count: narrow.columns)?.values.reversed().map { max(0, $0).squareRoot() }
    }

    /// LAPACK reads the other triangle of what is row-major here: both are filled.
    private static func mirrored(_ gram: [Double], _ n: Int) -> [Double] {
        var gram = gram
        for row in 0..<n { for column in 0..<row { gram[column * n + row] = gram[row * n + column] } }
        return gram
    }
}

extension MatrixView {
    fileprivate subscript(row: Int, column: Int) -> Float { elements[isTransposed ? column * stride + row : row * stride + column] }
}
