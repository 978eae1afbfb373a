internal import Tensors

/// 1/m sum_i g_i over m examples' gradients, in a scratch file, added up as a backward sweep passes them.
struct MeanGradient {
    let store: ParameterStore
    let exampleCount: Int

    init(of examples: Int, into store: ParameterStore) { (exampleCount, self.store) = (examples, store) }

    /// Adds the gradients (one a row) of some examples, entries of a parameter from `offset` on; the first examples come first.
    func add(_ gradients: MatrixView, to name: String, from offset: Int, _ examples: Range<Int>) throws {
        let share = 1 / Float(exampleCount)
        var mean = Matrix(rows: 1, columns: gradients.columns)
        var elements = mean.mutableElements
        if examples.lowerBound > 0 { try store.read(name, from: offset, into: &elements) }
        for example in 0..<gradients.rows {
            let gradient = gradients.row(example)
            for column in gradient.indices { elements[column] += gradient[column] * share }
        }
        try store.write(name, from: offset, elements.span)
    }
}
