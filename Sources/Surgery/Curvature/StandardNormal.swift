internal import Tensors

/// z: standard normal numbers, one for each element of each parameter.
struct StandardNormal {
    let seed: UInt64

    /// Those of a parameter from `offset` on, row by row.
    func matrix(_ name: String, from offset: Int, rows: Int, columns: Int) -> Matrix {
        let random = CounterRandom(seed: seed, name: name)
        var values = Matrix(rows: rows, columns: columns)
        var view = values.mutableView
        RowParallel.forEach(rows, writing: &view) { row, shared in
            var part = shared.tile(rows: row..<row + 1, columns: 0..<columns)
            for column in 0..<columns { part.elements[column] = Float(random.normal(offset + row * columns + column)) }
        }
        return values
    }
}
