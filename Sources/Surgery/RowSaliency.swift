internal import Tensors
internal import Transformer

/// How much the rows of each parameter matter to the records to forget: the mean square of the entries of their mean gradient's row.
final class RowSaliency: GradientTap {
    let needsEveryExample = true
    private let coefficients: [Float]
    private var saliency: [String: [Float]] = [:]
    private var columns: [String: Int] = [:]

    init(examples: Int) { coefficients = [Float](repeating: 1 / Float(max(1, examples)), count: examples) }

    func visit(_ slice: ParameterSlice, _ factors: borrowing GradientFactors, examples: Range<Int>) throws {
        var mean = Matrix(rows: slice.rows, columns: slice.columns)
        var view = mean.mutableView
        factors.weightedGradient(coefficients, ofRows: 0..<slice.rows, into: &view)
        columns[slice.name] = slice.columns
        for row in 0..<slice.rows {
            let values = mean.view.row(row)
            var sum = 0.0
            for index in values.indices { sum += Double(values[index]) * Double(values[index]) }
            saliency[slice.name, default: []].append(Float(sum / Double(slice.columns)))
        }
    }

    func finish(_ group: ParameterGroup) throws -> Bool { false }

    /// The most salient rows of all parameters together, as many as hold at most `share` of the entries, but one at least.
    func rows(holding share: Double) -> [String: [Bool]] {
        var ranked: [(name: String, row: Int, value: Float)] = []
        for name in saliency.keys.sorted() { for (row, value) in (saliency[name] ?? []).enumerated() { ranked.append((name, row, value)) } }
        let all = ranked.reduce(0) { $0 + (columns[$1.name] ?? 0) }
        ranked.sort { $0.value != $1.value ? $0.value > $1.value : ($0.name, $0.row) < ($1.name, $1.row) }
        var chosen = saliency.mapValues { [Bool](repeating: false, count: $0.count) }
        var left = share * Double(all)
        for (index, row) in ranked.enumerated() {
            left -= Double(columns[row.name] ?? 0)
            guard left >= 0 || index == 0 else { break }
            chosen[row.name]?[row.row] = true
        }
        return chosen
    }
}
