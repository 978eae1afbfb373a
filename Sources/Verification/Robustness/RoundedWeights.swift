package import Checkpoints
internal import Storage
internal import Tensors

/// A model's weights as they are after rounding to integers: the layers' linear maps, the rest as it is. Nothing is written.
package struct RoundedWeights: WeightSource {
    private let source: any WeightSource
    private let rounding: IntegerRounding
    private let maps: [ByteName: LinearLayout]

    package init(_ model: LanguageModel, _ rounding: IntegerRounding) {
        source = model.checkpoint
        self.rounding = rounding
        let linears = model.layout.layers.flatMap { $0.linears + $0.experts.flatMap(\.linears) }
        maps = Dictionary(linears.map { (ByteName($0.weight), $0) }) { first, _ in first }
    }

    package func read(_ name: String, from offset: Int, into destination: inout MutableSpan<Float>) throws {
        guard let map = maps[ByteName(name)] else { return try source.read(name, from: offset, into: &destination) }
        let width = map.storedColumns
        // Whole groups decide a scale: the rows that the elements lie in, or, where groups run down the columns, all of them.
        let rows =
            map.isInputByOutput ? 0..<map.storedRows : offset / width..<(offset + destination.count + width - 1) / width
        guard rows.lowerBound * width == offset, rows.count * width == destination.count else {
            var whole = Matrix(rows: rows.count, columns: width)
            var elements = whole.mutableElements
            try read(name, map, rows, into: &elements)
            let start = offset - rows.lowerBound * width
            for index in destination.indices { destination[index] = elements[start + index] }
            return
        }
        try read(name, map, rows, into: &destination)
    }

    private func read(_ name: String, _ map: LinearLayout, _ rows: Range<Int>, into destination: inout MutableSpan<Float>) throws {
        try source.read(name, from: rows.lowerBound * map.storedColumns, into: &destination)
        var view = MutableMatrixView(
            destination._mutatingExtracting(0..<destination.count), rows: rows.count, columns: map.storedColumns)
        rounding.round(&view, isInputByOutput: map.isInputByOutput)
    }
}
