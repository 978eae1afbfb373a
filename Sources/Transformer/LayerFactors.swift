internal import Checkpoints
internal import Tensors

/// A layer's gradient factors for a chunk of examples: inputs and output gradients of its linear maps, one row a token,
/// and each example's gradients of the norms.
struct LayerFactors: ~Copyable {
    private var attentionNormed: Matrix  // N x C
    private var queryKeyValueGradient: Matrix  // N x (H + 2 K) d, in the order in which the maps' outputs are stored
    private var mixed: Matrix  // N x H d
    private var attendedGradient: Matrix  // N x C
    private var feedForwardNormed: Matrix  // N x C
    private var expandedGradient: Matrix  // N x E
    private var activated: Matrix  // N x F
    private var contractedGradient: Matrix  // N x C
    private var sharedWeightGradient: Matrix  // N x 1
    private var routerGradient: Matrix  // N x experts
    private var norms: NormGradients
    private let ones: Matrix  // N x 1

    init(_ shape: LayerShape, _ layers: [LayerLayout], rows: Int, examples: Int) {
        attentionNormed = Matrix(rows: rows, columns: shape.hidden)
        queryKeyValueGradient = Matrix(rows: rows, columns: shape.queryKeyValue)
        mixed = Matrix(rows: rows, columns: shape.mixed)
        attendedGradient = Matrix(rows: rows, columns: shape.hidden)
        feedForwardNormed = Matrix(rows: rows, columns: shape.hidden)
        expandedGradient = Matrix(rows: rows, columns: shape.expanded)
        activated = Matrix(rows: rows, columns: shape.activated)
        contractedGradient = Matrix(rows: rows, columns: shape.hidden)
        sharedWeightGradient = Matrix(rows: rows, columns: shape.sharedWeight)
        routerGradient = Matrix(rows: rows, columns: shape.routing)
        norms = NormGradients(widths: layers.map(NormGradients.columns).max() ?? 0, examples: examples)
        var ones = Matrix(rows: rows, columns: 1)
        ones.fill(1)
        self.ones = ones
    }

    mutating func clear() { norms.clear() }

    /// What a micro-batch's backward pass left in its buffers becomes those rows of the chunk's. `examples` are the chunk's
    /// examples with rows here, counted from the micro-batch's first.
    mutating func keep(
        _ layer: borrowing DecoderLayer, _ a: borrowing LayerActivations, _ d: borrowing LayerGradients, input: borrowing Matrix,
        at there: Range<Int>, examples: [(index: Int, rows: Range<Int>)]
    ) {
        let here = 0..<there.count
        copy(a.attentionNormed, here, into: &attentionNormed, there)
        if let order = layer.layout.projections[0].storedOrder {
            copy(d.queryKeyValue, here, order, into: &queryKeyValueGradient, there)
        } else {
            copy(d.queryKeyValue, here, into: &queryKeyValueGradient, there)
        }
        copy(a.mixed, here, into: &mixed, there)
        copy(d.attended, here, into: &attendedGradient, there)
        copy(a.feedForwardNormed, here, into: &feedForwardNormed, there)
        copy(d.expanded, here, into: &expandedGradient, there)
        copy(a.activated, here, into: &activated, there)
        copy(d.contracted, here, into: &contractedGradient, there)
        copy(d.sharedWeight, here, into: &sharedWeightGradient, there)
        copy(d.routing, here, into: &routerGradient, there)
        keepNorms(layer, a, d, input, here, examples)
    }

    private mutating func keepNorms(
        _ layer: borrowing DecoderLayer, _ a: borrowing LayerActivations, _ d: borrowing LayerGradients, _ input: borrowing Matrix,
        _ rows: Range<Int>, _ examples: [(index: Int, rows: Range<Int>)]
    ) {
        norms.place(layer.layout.norms)
        let numbers = layer.norms
        norms.add(numbers.attention, d.attentionNormed.rows(rows), input.rows(rows), a.attentionStatistics.rows(rows), examples)
        for (index, site) in layer.headNorms.sites.enumerated() {
            norms.add(
                site.norm, d.projected.rows(rows).columns(site.columns), a.projected.rows(rows).columns(site.columns),
                a.headStatistics.rows(rows).columns(2 * index..<2 * index + 2), examples)
        }
        norms.add(numbers.attentionOutput, d.attentionOutput.rows(rows), a.attended.rows(rows), a.attendedStatistics.rows(rows), examples)
        let feedForwardInput = layer.feedForwardInput == .residual ? a.residual.rows(rows) : input.rows(rows)
        norms.add(numbers.feedForward, d.feedForwardNormed.rows(rows), feedForwardInput, a.feedForwardStatistics.rows(rows), examples)
        norms.add(
            numbers.feedForwardOutput, d.feedForwardOutput.rows(rows), a.contracted.rows(rows), a.contractedStatistics.rows(rows), examples)
    }

    /// Shows every parameter of the layer but its experts' to the tap.
    borrowing func visit(_ layout: LayerLayout, _ tap: any GradientTap, _ chunk: SweepChunk) throws {
        let (all, exampleRows, examples) = (0..<chunk.rowCount, chunk.exampleRows, chunk.examples)
        try norms.visit(layout.norms, tap, examples)
        try visit(layout.projections, attentionNormed, queryKeyValueGradient, all, exampleRows, tap, examples)
        try visit([layout.attentionOutput], mixed, attendedGradient, all, exampleRows, tap, examples)
        if let block = layout.feedForward {
            try visit(block.expansions, feedForwardNormed, expandedGradient, all, exampleRows, tap, examples)
            try visit([block.contraction], activated, contractedGradient, all, exampleRows, tap, examples)
        }
        if let map = layout.sharedWeight {
            try visit([map], feedForwardNormed, sharedWeightGradient, all, exampleRows, tap, examples)
        }
        if let router = layout.router { try visit([router], feedForwardNormed, routerGradient, all, exampleRows, tap, examples) }
    }

    /// Linear maps of one input, the gradients by their outputs side by side.
    private borrowing func visit(
        _ maps: [LinearLayout], _ input: borrowing Matrix, _ gradient: borrowing Matrix, _ rows: Range<Int>,
        _ exampleRows: [Range<Int>], _ tap: any GradientTap, _ examples: Range<Int>
    ) throws {
        var start = 0
        for map in maps {
            let columns = start..<start + map.outputs
            try map.visit(
                tap, input.rows(rows).columns(0..<map.inputs), gradient.rows(rows).columns(columns), ones: ones.rows(rows), exampleRows,
                examples)
            start += map.outputs
        }
    }
}

extension LinearLayout {
    /// Shows weight and bias to the tap: inputs (N x in) and output gradients (N x out), each example's rows given.
    func visit(
        _ tap: any GradientTap, _ x: MatrixView, _ d: MatrixView, ones: MatrixView, _ exampleRows: [Range<Int>], _ examples: Range<Int>
    ) throws {
        let slice = ParameterSlice(name: weight, firstRow: 0, rows: storedRows, columns: storedColumns)
        let factors =
            isInputByOutput
            ? GradientFactors(left: x, right: d, exampleRows: exampleRows) : GradientFactors(left: d, right: x, exampleRows: exampleRows)
        try tap.visit(slice, factors, examples: examples)
        guard let bias else { return }
        let biasSlice = ParameterSlice(name: bias, firstRow: 0, rows: outputs, columns: 1)
        try tap.visit(biasSlice, GradientFactors(left: d, right: ones, exampleRows: exampleRows), examples: examples)
    }
}

/// Copies rows whose columns are outputs of a map, from the order in which they are computed to that in which they are stored.
private func copy(
    _ source: borrowing Matrix, _ sourceRows: Range<Int>, _ order: StoredOrder, into target: inout Matrix, _ targetRows: Range<Int>
) {
    var target = target.mutableRows(targetRows)
    let source = source.rows(sourceRows)
    let size = order.blockSize
    RowParallel.rows(of: &target, perBlock: 128) { range, target in
        for index in range {
            var row = target.row(index - range.lowerBound)
            let values = source.row(index)
            for (stored, block) in order.blocks.enumerated() {
                for column in 0..<size { row[stored * size + column] = values[block * size + column] }
            }
        }
    }
}
