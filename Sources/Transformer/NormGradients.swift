internal import Checkpoints
internal import Tensors

/// Every example's gradients of some norms: for each of them in turn, the weight's and then the bias's columns.
struct NormGradients: ~Copyable {
    private var gradients: Matrix
    private let ones: Matrix  // examples x 1
    /// Each norm's first column and its width.
    private var places: [(first: Int, width: Int)] = []

    /// Room for norms of so many columns together.
    init(widths: Int, examples: Int) {
        gradients = Matrix(rows: examples, columns: widths)
        var ones = Matrix(rows: examples, columns: 1)
        ones.fill(1)
        self.ones = ones
    }

    static func columns(_ layer: LayerLayout) -> Int { layer.norms.reduce(0) { $0 + 2 * $1.width } }

    mutating func clear() { gradients.fill(0) }

    /// Says which norms the columns are of.
    mutating func place(_ norms: [NormLayout]) {
        var first = 0
        places = norms.map { norm in
            defer { first += 2 * norm.width }
            return (first, norm.width)
        }
    }

    /// Adds to each example's gradients of a norm, if there is that norm, from some rows of examples.
    mutating func add(
        _ norm: Int?, _ dy: MatrixView, _ x: MatrixView, _ statistics: MatrixView, _ examples: [(index: Int, rows: Range<Int>)]
    ) {
        guard let norm else { return }
        let (first, width) = places[norm]
        var view = gradients.mutableView
        RowParallel.forEach(examples.count, writing: &view) { piece, shared in
            let (example, rows) = examples[piece]
            var weights = shared.tile(rows: example..<example + 1, columns: first..<first + width)
            var biases = shared.tile(rows: example..<example + 1, columns: first + width..<first + 2 * width)
            Normalization.addParameterGradients(
                dy: dy, x: x, statistics: statistics, rows: rows, weight: &weights.elements, bias: &biases.elements)
        }
    }

    /// Shows the parameters of the norms that were placed to the tap.
    borrowing func visit(_ norms: [NormLayout], _ tap: any GradientTap, _ examples: Range<Int>) throws {
        let exampleRows = (0..<examples.count).map { $0..<$0 + 1 }
        let all = 0..<examples.count
        for (norm, place) in zip(norms, places) {
            for (name, start) in [(norm.weight, place.first), (norm.bias, place.first + place.width)] {
                guard let name else { continue }
                let slice = ParameterSlice(name: name, firstRow: 0, rows: place.width, columns: 1)
                let left = gradients.rows(all).columns(start..<start + place.width)
                try tap.visit(slice, GradientFactors(left: left, right: ones.rows(all), exampleRows: exampleRows), examples: examples)
            }
        }
    }
}
