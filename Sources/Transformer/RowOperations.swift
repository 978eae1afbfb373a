internal import Tensors

/// Adds a bias, where there is one, to every row.
func addBias(_ bias: Span<Float>, to y: inout MutableMatrixView) {
    guard !bias.isEmpty else { return }
    RowParallel.rows(of: &y, perBlock: 64) { range, y in
        for index in range.indices {
            var row = y.row(index - range.lowerBound)
            for column in row.indices { row[column] += bias[column] }
        }
    }
}

/// Copies rows of a matrix of the same width.
func copy(_ source: borrowing Matrix, _ sourceRows: Range<Int>, into target: inout Matrix, _ targetRows: Range<Int>) {
    copy(source.rows(sourceRows), into: &target, targetRows)
}

/// Copies a matrix to rows of one of the same width.
func copy(_ source: MatrixView, into target: inout Matrix, _ targetRows: Range<Int>) {
    var target = target.mutableRows(targetRows)
    RowParallel.rows(of: &target, perBlock: 128) { range, target in
        for index in range {
            var row = target.row(index - range.lowerBound)
            let values = source.row(index)
            for column in row.indices { row[column] = values[column] }
        }
    }
}

/// Adds rows of a matrix of the same width.
func add(_ source: borrowing Matrix, _ sourceRows: Range<Int>, to target: inout Matrix, _ targetRows: Range<Int>) {
    var target = target.mutableRows(targetRows)
    add(source.rows(sourceRows), scale: 1, to: &target)
}

/// Adds `scale` times the source.
func add(_ source: MatrixView, scale: Float, to target: inout MutableMatrixView) {
    RowParallel.rows(of: &target, perBlock: 128) { range, target in
        for index in range {
            var row = target.row(index - range.lowerBound)
            let values = source.row(index)
            for column in row.indices { row[column] += scale * values[column] }
        }
    }
}

/// Multiplies every element; by 0 it sets 0, whatever stood there.
func scale(_ target: inout MutableMatrixView, by factor: Float) {
    guard factor != 1 else { return }
    RowParallel.rows(of: &target, perBlock: 128) { range, target in
        for index in range.indices {
            var row = target.row(index - range.lowerBound)
            for column in row.indices { row[column] = factor == 0 ? 0 : factor * row[column] }
        }
    }
}

/// Copies the rows of those numbers to the first rows of the target, of the same width.
func gather(_ source: borrowing Matrix, _ numbers: [Int], into target: inout Matrix) {
    let source = source.view
    var target = target.mutableRows(0..<numbers.count)
    RowParallel.rows(of: &target, perBlock: 16) { range, target in
        for index in range {
            var row = target.row(index - range.lowerBound)
            let values = source.row(numbers[index])
            for column in row.indices { row[column] = values[column] }
        }
    }
}

/// Adds `scale` times each of the source's rows to the target's row of the number that stands for it; no number comes twice.
func scatter(_ source: MatrixView, scale: Float, to target: inout Matrix, _ numbers: [Int]) {
    var target = target.mutableView
    let blocks = (numbers.count + 15) / 16
    RowParallel.forEach(blocks, writing: &target) { block, shared in
        for index in block * 16..<min(numbers.count, (block + 1) * 16) {
            var row = shared.tile(rows: numbers[index]..<numbers[index] + 1, columns: 0..<source.columns)
            let values = source.row(index)
            for column in values.indices { row.elements[column] += scale * values[column] }
        }
    }
}

/// Copies a view to the first rows of a matrix of the same width.
func copy(_ source: MatrixView, into target: inout Matrix) {
    var rows = target.mutableRows(0..<source.rows)
    copy(source, into: &rows)
}

/// Copies a view of the same shape.
func copy(_ source: MatrixView, into target: inout MutableMatrixView) {
    RowParallel.rows(of: &target, perBlock: 16) { range, target in
        for index in range {
            var row = target.row(index - range.lowerBound)
            let values = source.row(index)
            for column in row.indices { row[column] = values[column] }
        }
    }
}

extension Matrix {
    /// The rows with those numbers.
    borrowing func gathered(_ numbers: ArraySlice<Int>) -> Matrix {
        var rows = Matrix(rows: numbers.count, columns: columns)
        gather(self, Array(numbers), into: &rows)
        return rows
    }
}
