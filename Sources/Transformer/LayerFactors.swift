internal import Checkpoints
internal import SystemPackage
internal import Tensors

/// A layer's gradient factors for a chunk of examples: inputs and output gradients of its linear maps, one row a token,
/// and each example's gradients of the norms. In memory, or in scratch files.
struct LayerFactors: ~Copyable {
    private let attentionNormed: KeptMatrix  // N x C
    private let queryKeyValueGradient: KeptMatrix  // N x (H + 2 K) d, in the order in which the maps' outputs are stored
    private let mixed: KeptMatrix  // N x H d
    private let attendedGradient: KeptMatrix  // N x C
    private let feedForwardNormed: KeptMatrix  // N x C
    private let expandedGradient: KeptMatrix  // N x E
    private let activated: KeptMatrix  // N x F
    private let contractedGradient: KeptMatrix  // N x C
    private let sharedWeightGradient: KeptMatrix  // N x 1
    private let routerGradient: KeptMatrix  // N x experts
    private var norms: NormGradients
    private let ones: Matrix  // N x 1

    /// - Parameter directory: where the factors' scratch files are; nil: in memory.
    init(_ shape: LayerShape, _ layers: [LayerLayout], rows: Int, examples: Int, in directory: FilePath?) {
        func kept(_ columns: Int) -> KeptMatrix { KeptMatrix(rows: rows, columns: columns, in: directory) }
        attentionNormed = kept(shape.hidden)
        queryKeyValueGradient = kept(shape.queryKeyValue)
        mixed = kept(shape.mixed)
        attendedGradient = kept(shape.hidden)
        feedForwardNormed = kept(shape.hidden)
        expandedGradient = kept(shape.expanded)
        activated = kept(shape.activated)
        contractedGradient = kept(shape.hidden)
        sharedWeightGradient = kept(shape.sharedWeight)
        routerGradient = kept(shape.routing)
        norms = NormGradients(widths: layers.map(NormGradients.columns).max() ?? 0, examples: examples)
        var ones = Matrix(rows: rows, columns: 1)
        ones.fill(1)
        self.ones = ones
    }

    mutating func clear() { norms.clear() }

    /// What a micro-batch's backward pass left in its buffers, as far as the tap wants it, becomes those rows of the chunk's. `examples` are
    /// the chunk's examples with rows here, counted from the micro-batch's first.
    mutating func keep(
        _ layer: borrowing DecoderLayer, _ a: borrowing LayerActivations, _ d: borrowing LayerGradients, input: borrowing Matrix,
        at there: Range<Int>, examples: [(index: Int, rows: Range<Int>)], for tap: any GradientTap
    ) throws {
        let (here, row, layout) = (0..<there.count, there.lowerBound, layer.layout)
        if tap.wants(layout.projections) {
            try attentionNormed.store(a.attentionNormed.rows(here), at: row)
            if let order = layout.projections[0].storedOrder {
                var stored = Matrix(rows: here.count, columns: queryKeyValueGradient.columns)
                copy(d.queryKeyValue, here, order, into: &stored, here)
                try queryKeyValueGradient.store(stored.view, at: row)
            } else {
                try queryKeyValueGradient.store(d.queryKeyValue.rows(here), at: row)
            }
        }
        if tap.wants([layout.attentionOutput]) {
            try mixed.store(a.mixed.rows(here), at: row)
            try attendedGradient.store(d.attended.rows(here), at: row)
        }
        if tap.wants((layout.feedForward?.expansions ?? []) + [layout.sharedWeight, layout.router].compactMap { $0 }) {
            try feedForwardNormed.store(a.feedForwardNormed.rows(here), at: row)
            try expandedGradient.store(d.expanded.rows(here), at: row)
            try sharedWeightGradient.store(d.sharedWeight.rows(here), at: row)
            try routerGradient.store(d.routing.rows(here), at: row)
        }
        if let block = layout.feedForward, tap.wants([block.contraction]) {
            try activated.store(a.activated.rows(here), at: row)
            try contractedGradient.store(d.contracted.rows(here), at: row)
        }
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
        try norms.visit(layout.norms, tap, chunk.examples)
        try visit(layout.projections, attentionNormed, queryKeyValueGradient, tap, chunk)
        try visit([layout.attentionOutput], mixed, attendedGradient, tap, chunk)
        if let block = layout.feedForward {
            try visit(block.expansions, feedForwardNormed, expandedGradient, tap, chunk)
            try visit([block.contraction], activated, contractedGradient, tap, chunk)
        }
        if let map = layout.sharedWeight { try visit([map], feedForwardNormed, sharedWeightGradient, tap, chunk) }
        if let router = layout.router { try visit([router], feedForwardNormed, routerGradient, tap, chunk) }
    }

    /// Linear maps of one input, the gradients by their outputs side by side.
    private borrowing func visit(
        _ maps: [LinearLayout], _ input: KeptMatrix, _ gradient: KeptMatrix, _ tap: any GradientTap,
        _ chunk: SweepChunk
    ) throws {
        let rows = 0..<chunk.rowCount
        guard tap.wants(maps) else { return }
        try input.read(rows, columns: 0..<maps[0].inputs) { x in
            var start = 0
            for map in maps {
                let columns = start..<start + map.outputs
                start += map.outputs
                guard tap.wants([map]) else { continue }
                try gradient.read(rows, columns: columns) { d in
                    try map.visit(tap, x, d, ones: ones.rows(rows), chunk.exampleRows, chunk.examples)
                }
            }
        }
    }
}

extension GradientTap {
    /// Whether there is a use for the gradients of any of some maps.
    fileprivate func wants(_ maps: [LinearLayout]) -> Bool { maps.contains { $0.names.contains(where: wants) } }
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
