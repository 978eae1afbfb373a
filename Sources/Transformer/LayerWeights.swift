package import Checkpoints
internal import Tensors

/// One layer's parameters as Float, in one buffer that every layer is loaded into in turn.
package struct LayerWeights: ~Copyable {
    private var buffer: Matrix
    private var norms: [(weight: Range<Int>, bias: Range<Int>)] = []
    private var linears: [(layout: LinearLayout, weight: Range<Int>, bias: Range<Int>)] = []

    /// Room for any layer of the model.
    package init(for layers: [LayerLayout]) {
        buffer = Matrix(rows: 1, columns: layers.map(Self.parameterCount).max() ?? 0)
    }

    /// Floats that one layer takes.
    static func parameterCount(_ layout: LayerLayout) -> Int {
        layout.norms.reduce(0) { $0 + $1.width * ($1.bias == nil ? 1 : 2) }
            + layout.linears.reduce(0) { $0 + $1.inputs * $1.outputs + ($1.bias == nil ? 0 : $1.outputs) }
    }

    package mutating func load(_ layout: LayerLayout, from source: any WeightSource) throws {
        norms = []
        linears = []
        var end = 0
        func place(_ count: Int) -> Range<Int> {
            defer { end += count }
            return end..<end + count
        }
        for norm in layout.norms {
            let (weight, bias) = (place(norm.width), place(norm.bias == nil ? 0 : norm.width))
            var elements = buffer.mutableElements
            var weights = elements._mutatingExtracting(weight)
            try norm.readWeight(from: source, into: &weights)
            try read(norm.bias, at: bias, from: source)
            norms.append((weight, bias))
        }
        for linear in layout.linears {
            let (weight, bias) = (place(linear.inputs * linear.outputs), place(linear.bias == nil ? 0 : linear.outputs))
            try read(linear.weight, at: weight, linear.storedOrder, width: linear.inputs, from: source)
            try read(linear.bias, at: bias, linear.storedOrder, width: 1, from: source)
            linears.append((linear, weight, bias))
        }
    }

    /// Fills a range of the buffer; rows of `width` elements that are stored in another order are put in their places.
    private mutating func read(
        _ name: String?, at range: Range<Int>, _ order: StoredOrder? = nil, width: Int = 1, from source: any WeightSource
    ) throws {
        guard let name else { return }
        var elements = buffer.mutableElements
        var target = elements._mutatingExtracting(range)
        guard let order else { return try source.read(name, from: 0, into: &target) }
        let count = order.blockSize * width
        for (stored, block) in order.blocks.enumerated() {
            var part = target._mutatingExtracting(block * count..<(block + 1) * count)
            try source.read(name, from: stored * count, into: &part)
        }
    }

    /// Weight of a normalisation; norms are numbered as in `LayerLayout.norms`.
    @_lifetime(borrow self)
    func normWeight(_ index: Int) -> Span<Float> { buffer.elements.extracting(norms[index].weight) }

    @_lifetime(borrow self)
    func normBias(_ index: Int) -> Span<Float> { buffer.elements.extracting(norms[index].bias) }

    /// A linear map's matrix, outputs x inputs however it is stored; maps are numbered as in `LayerLayout.linears`.
    @_lifetime(borrow self)
    func linear(_ index: Int) -> MatrixView {
        let map = linears[index]
        let stored = MatrixView(buffer.elements.extracting(map.weight), rows: map.layout.storedRows, columns: map.layout.storedColumns)
        return map.layout.isInputByOutput ? stored.transposed : stored
    }

    @_lifetime(borrow self)
    func bias(_ index: Int) -> Span<Float> { buffer.elements.extracting(linears[index].bias) }

    func outputs(_ index: Int) -> Int { linears[index].layout.outputs }
}

extension NormLayout {
    /// What rows are multiplied with once normalised: the stored weight and what is added to it, or 1.
    func readWeight(from source: any WeightSource, into weights: inout MutableSpan<Float>) throws {
        guard let weight else { return weights.update(repeating: 1) }
        try source.read(weight, from: 0, into: &weights)
        if weightOffset != 0 { for index in weights.indices { weights[index] += weightOffset } }
    }
}
