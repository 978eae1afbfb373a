internal import Checkpoints
internal import Tensors

/// A layer's gradient factors for a chunk of examples: inputs and output gradients of its linear maps, one row a token,
/// and each example's gradients of the norms.
struct LayerFactors: ~Copyable {
    private var attentionNormed: Matrix  // N x C
    private var queryKeyValueGradient: Matrix  // N x (H + 2 K) d
    private var mixed: Matrix  // N x H d
    private var residualGradient: Matrix  // N x C
    private var feedForwardNormed: Matrix  // N x C
    private var expandedGradient: Matrix  // N x E
    private var activated: Matrix  // N x F
    private var outputGradient: Matrix  // N x C
    /// Examples x 4 C: the attention norm's weight and bias, then the feed-forward norm's.
    private var norms: Matrix
    private let ones: Matrix  // max(N, examples) x 1

    init(_ configuration: ModelConfiguration, rows: Int, examples: Int) {
        let c = configuration
        attentionNormed = Matrix(rows: rows, columns: c.hiddenSize)
        queryKeyValueGradient = Matrix(rows: rows, columns: c.queryColumns + 2 * c.keyValueColumns)
        mixed = Matrix(rows: rows, columns: c.queryColumns)
        residualGradient = Matrix(rows: rows, columns: c.hiddenSize)
        feedForwardNormed = Matrix(rows: rows, columns: c.hiddenSize)
        expandedGradient = Matrix(rows: rows, columns: c.expandedColumns)
        activated = Matrix(rows: rows, columns: c.feedForwardSize)
        outputGradient = Matrix(rows: rows, columns: c.hiddenSize)
        norms = Matrix(rows: examples, columns: 4 * c.hiddenSize)
        var ones = Matrix(rows: max(rows, examples), columns: 1)
        ones.fill(1)
        self.ones = ones
    }

    /// Floats a row takes.
    static func width(_ c: ModelConfiguration) -> Int {
        4 * c.hiddenSize + 2 * c.queryColumns + 2 * c.keyValueColumns + c.expandedColumns + c.feedForwardSize + 1
    }

    mutating func clear() { norms.fill(0) }

    /// Before the layer's backward pass: the gradient by its output.
    mutating func keepOutputGradient(_ gradient: borrowing Matrix, _ rows: Range<Int>, at start: Int) {
        copy(gradient, rows, into: &outputGradient, start..<start + rows.count)
    }

    /// After it: what it left in its buffers. `examples` are the chunk's examples with rows here, `exampleRows` their
    /// ranges counted from the micro-batch's first row.
    mutating func keep(
        _ a: borrowing LayerActivations, _ d: borrowing LayerGradients, input: borrowing Matrix, count: Int, at start: Int,
        examples: [(index: Int, rows: Range<Int>)]
    ) {
        let (here, there) = (0..<count, start..<start + count)
        copy(a.attentionNormed, here, into: &attentionNormed, there)
        copy(d.queryKeyValue, here, into: &queryKeyValueGradient, there)
        copy(a.mixed, here, into: &mixed, there)
        copy(d.residual, here, into: &residualGradient, there)
        copy(a.feedForwardNormed, here, into: &feedForwardNormed, there)
        copy(d.expanded, here, into: &expandedGradient, there)
        copy(a.activated, here, into: &activated, there)
        let width = input.columns
        addNorms(d.attentionNormed, input, a.attentionStatistics, here, examples, at: 0, width)
        addNorms(d.feedForwardNormed, a.residual, a.feedForwardStatistics, here, examples, at: 2 * width, width)
    }

    private mutating func addNorms(
        _ dy: borrowing Matrix, _ x: borrowing Matrix, _ statistics: borrowing Matrix, _ rows: Range<Int>,
        _ examples: [(index: Int, rows: Range<Int>)], at first: Int, _ width: Int
    ) {
        addNormGradients(dy.rows(rows), x.rows(rows), statistics.rows(rows), examples, to: &norms, at: first, width)
    }

    /// Shows every parameter of the layer to the tap: `rows` token rows of the chunk, each example's given.
    borrowing func visit(
        _ layout: LayerLayout, _ tap: any GradientTap, rows: Int, exampleRows: [Range<Int>], examples: Range<Int>
    ) throws {
        let all = 0..<rows
        let width = attentionNormed.columns
        for (index, norm) in layout.norms.enumerated() {
            try visitNorm(norm, norms, ones, at: 2 * index * width, width, tap, examples)
        }
        try visit(layout.projections, attentionNormed, queryKeyValueGradient, all, exampleRows, tap, examples)
        try visit([layout.attentionOutput], mixed, residualGradient, all, exampleRows, tap, examples)
        try visit(layout.expansions, feedForwardNormed, expandedGradient, all, exampleRows, tap, examples)
        try visit([layout.contraction], activated, outputGradient, all, exampleRows, tap, examples)
    }

    /// Linear maps of one input, the gradients by their outputs side by side.
    private borrowing func visit(
        _ maps: [LinearLayout], _ input: borrowing Matrix, _ gradient: borrowing Matrix, _ rows: Range<Int>,
        _ exampleRows: [Range<Int>], _ tap: any GradientTap, _ examples: Range<Int>
    ) throws {
        var start = 0
        for map in maps {
            let (x, d) = (input.rows(rows), gradient.rows(rows).columns(start..<start + map.outputs))
            let slice = ParameterSlice(name: map.weight, firstRow: 0, rows: map.storedRows, columns: map.storedColumns)
            let factors =
                map.isInputByOutput
                ? GradientFactors(left: x, right: d, exampleRows: exampleRows)
                : GradientFactors(left: d, right: x, exampleRows: exampleRows)
            try tap.visit(slice, factors, examples: examples)
            if let bias = map.bias {
                let slice = ParameterSlice(name: bias, firstRow: 0, rows: map.outputs, columns: 1)
                try tap.visit(slice, GradientFactors(left: d, right: ones.rows(rows), exampleRows: exampleRows), examples: examples)
            }
            start += map.outputs
        }
    }
}

/// Shows a normalisation's parameters to the tap: weight in columns `first` ..< `first + C` of `gradients`, then bias.
func visitNorm(
    _ norm: NormLayout, _ gradients: borrowing Matrix, _ ones: borrowing Matrix, at first: Int, _ width: Int, _ tap: any GradientTap,
    _ examples: Range<Int>
) throws {
    let rows = (0..<examples.count).map { $0..<$0 + 1 }
    let all = 0..<examples.count
    var start = first
    for name in [norm.weight] + (norm.bias.map { [$0] } ?? []) {
        let slice = ParameterSlice(name: name, firstRow: 0, rows: width, columns: 1)
        let factors = GradientFactors(left: gradients.rows(all).columns(start..<start + width), right: ones.rows(all), exampleRows: rows)
        try tap.visit(slice, factors, examples: examples)
        start += width
    }
}

/// Adds each example's gradients of a normalisation: weight to columns `first` ..< `first + C`, bias to the next C.
func addNormGradients(
    _ dy: MatrixView, _ x: MatrixView, _ statistics: MatrixView, _ examples: [(index: Int, rows: Range<Int>)],
    to gradients: inout Matrix, at first: Int, _ width: Int
) {
    var view = gradients.mutableView
    RowParallel.forEach(examples.count, writing: &view) { piece, shared in
        let (example, rows) = examples[piece]
        var weights = shared.tile(rows: example..<example + 1, columns: first..<first + width)
        var biases = shared.tile(rows: example..<example + 1, columns: first + width..<first + 2 * width)
        Normalization.addParameterGradients(
            dy: dy, x: x, statistics: statistics, rows: rows, weight: &weights.elements, bias: &biases.elements)
    }
}
