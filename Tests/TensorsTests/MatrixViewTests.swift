import Tensors
import Testing

/// Which elements a view stands for. The matrix looked at has 5 x 7 elements, that of row i and column j being 10 i + j.
@Suite struct MatrixViewTests {
    private func numbered() -> Matrix {
        var matrix = Matrix(rows: 5, columns: 7)
        var elements = matrix.mutableElements
        for row in 0..<5 { for column in 0..<7 { elements[row * 7 + column] = Float(10 * row + column) } }
        return matrix
    }

    /// What a product with the identity, which any view can be multiplied by, finds in the view.
    private func contents(_ view: MatrixView) -> [[Float]] {
        var identity = Matrix(rows: view.columns, columns: view.columns)
        var elements = identity.mutableElements
        for index in 0..<view.columns { elements[index * view.columns + index] = 1 }
        var result = Matrix(rows: view.rows, columns: view.columns)
        var output = result.mutableView
        LinearAlgebra.multiply(view, identity.view, into: &output)
        return rows(result.view)
    }

    /// Row by row, of a view that is not transposed.
    private func rows(_ view: MatrixView) -> [[Float]] {
        (0..<view.rows).map { row in (0..<view.columns).map { view.row(row)[$0] } }
    }

    private func numbers(rows: Range<Int>, columns: Range<Int>) -> [[Float]] {
        rows.map { row in columns.map { Float(10 * row + $0) } }
    }

    private func transposed(_ values: [[Float]]) -> [[Float]] {
        (values.first ?? []).indices.map { column in values.map { $0[column] } }
    }

    @Test func aViewHoldsTheWholeMatrix() {
        let matrix = numbered()
        #expect(rows(matrix.view) == numbers(rows: 0..<5, columns: 0..<7))
        #expect(contents(matrix.view) == numbers(rows: 0..<5, columns: 0..<7))
    }

    @Test func rowsAndColumnsAreCut() {
        let matrix = numbered()
        #expect(rows(matrix.rows(1..<4)) == numbers(rows: 1..<4, columns: 0..<7))
        #expect(rows(matrix.view.columns(2..<6)) == numbers(rows: 0..<5, columns: 2..<6))
        #expect(rows(matrix.view.columns(2..<6).rows(3..<5)) == numbers(rows: 3..<5, columns: 2..<6))
        #expect(rows(matrix.rows(3..<5).columns(2..<6).columns(1..<3)) == numbers(rows: 3..<5, columns: 3..<5))
    }

    @Test func aTransposedViewIsCutInItsOwnTerms() {
        let matrix = numbered()
        let whole = matrix.view.transposed
        #expect((whole.rows, whole.columns) == (7, 5))
        #expect(contents(whole) == transposed(numbers(rows: 0..<5, columns: 0..<7)))
        #expect(contents(whole.rows(2..<6)) == transposed(numbers(rows: 0..<5, columns: 2..<6)))
        #expect(contents(whole.columns(1..<4)) == transposed(numbers(rows: 1..<4, columns: 0..<7)))
        #expect(contents(whole.rows(2..<6).columns(3..<5)) == transposed(numbers(rows: 3..<5, columns: 2..<6)))
        #expect(rows(whole.rows(2..<6).transposed) == numbers(rows: 0..<5, columns: 2..<6))
    }

    @Test func emptyRangesGiveEmptyViews() {
        let matrix = numbered()
        #expect((matrix.rows(5..<5).rows, matrix.rows(5..<5).columns) == (0, 7))
        #expect((matrix.view.columns(7..<7).rows, matrix.view.columns(7..<7).columns) == (5, 0))
        #expect((matrix.rows(2..<2).columns(1..<3).rows, matrix.rows(2..<2).columns(1..<3).columns) == (0, 2))
        #expect((matrix.view.transposed.rows(0..<0).rows, matrix.view.transposed.rows(0..<0).columns) == (0, 5))
    }

    @Test func aNewMatrixIsZeroAndFillReachesEveryElement() {
        var matrix = Matrix(rows: 3, columns: 5)
        #expect(rows(matrix.view) == Array(repeating: Array(repeating: 0, count: 5), count: 3))
        matrix.fill(2)
        #expect(rows(matrix.view) == Array(repeating: Array(repeating: 2, count: 5), count: 3))
    }

    @Test func mutableViewsWriteWhereTheyStand() {
        var matrix = numbered()
        var some = matrix.mutableRows(2..<4)
        var cut = some.columns(1..<6)
        #expect(rows(cut.view) == numbers(rows: 2..<4, columns: 1..<6))
        var row = cut.row(1)
        for column in row.indices { row[column] = -1 }
        var expected = numbers(rows: 0..<5, columns: 0..<7)
        expected[3].replaceSubrange(1..<6, with: [-1, -1, -1, -1, -1])
        #expect(rows(matrix.view) == expected)
    }

    @Test func leadingElementsTakeAnotherShape() {
        var matrix = numbered()
        var whole = matrix.mutableView
        var leading = whole.leading(rows: 4, columns: 2)
        #expect(rows(leading.view) == [[0, 1], [2, 3], [4, 5], [6, 10]])
        var last = leading.row(3)
        last[1] = -1
        #expect(matrix.elements[7] == -1)
    }
}
