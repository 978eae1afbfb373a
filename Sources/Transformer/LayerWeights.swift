package import Checkpoints
internal import Tensors

/// The parameters of one layer, or of one expert, as Float, in one buffer that all of them are loaded into in turn.
package struct LayerWeights: ~Copyable {
    private var buffer: Matrix
    private var norms: [(weight: Range<Int>, bias: Range<Int>)] = []
    private var linears: [(layout: LinearLayout, weight: Range<Int>, bias: Range<Int>)] = []

    /// Room for any of those layers, without their experts.
    package init(for layers: [LayerLayout]) {
        buffer = Matrix(rows: 1, columns: layers.map(Self.parameterCount).max() ?? 0)
    }

    /// Room for any of those experts.
    init(for experts: [FeedForwardLayout]) {
        buffer = Matrix(rows: 1, columns: experts.map(Self.parameterCount).max() ?? 0)
    }

    /// Floats that one layer takes, without its experts.
    static func parameterCount(_ layout: LayerLayout) -> Int {
        layout.norms.reduce(0) { $0 + $1.width * ($1.bias == nil ? 1 : 2) } + parameterCount(layout.linears)
    }

    /// Floats that one expert takes.
    static func parameterCount(_ expert: FeedForwardLayout) -> Int { parameterCount(expert.linears) }

    private static func parameterCount(_ linears: [LinearLayout]) -> Int {
        linears.reduce(0) { $0 + $1.inputs * $1.outputs + ($1.bias == nil ? 0 : $1.outputs) }
    }

    /// What every token of a layer goes through: all but its experts.
    package mutating func load(_ layout: LayerLayout, from source: any WeightSource) throws {
        try load(layout.norms, layout.linears, from: source)
    }

    mutating func load(_ expert: FeedForwardLayout, from source: any WeightSource) throws {
        try load([], expert.linears, from: source)
    }

    private mutating func load(_ normLayouts: [NormLayout], _ linearLayouts: [LinearLayout], from source: any WeightSource) throws {
        norms = []
        linears = []
        var end = 0
        func place(_ count: Int) -> Range<Int> {
            defer { end += count }
            return end..<end + count
        }
        for norm in normLayouts {
            let (weight, bias) = (place(norm.width), place(norm.bias == nil ? 0 : norm.width))
            var elements = buffer.mutableElements
            var weights = elements._mutatingExtracting(weight)
            try norm.readWeight(from: source, into: &weights)
            try read(norm.bias, at: bias, from: source)
            norms.append((weight, bias))
        }
        for linear in linearLayouts {
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

    func inputs(_ index: Int) -> Int { linears[index].layout.inputs }
    func outputs(_ index: Int) -> Int { linears[index].layout.outputs }
}

/// Linear maps of one input, their outputs side by side. Rows may be longer than the maps' inputs or outputs.
extension LayerWeights {
    /// y = W x + b, or y += W x + b where `adding`.
    borrowing func apply(_ maps: Range<Int>, to x: MatrixView, into y: inout MutableMatrixView, adding: Bool = false) {
        var start = 0
        for map in maps {
            let outputs = outputs(map)
            var part = y.columns(start..<start + outputs)
            LinearAlgebra.multiply(x.columns(0..<inputs(map)), linear(map).transposed, into: &part, adding: adding)
            addBias(bias(map), to: &part)
            start += outputs
        }
    }

    /// The gradient by the input, given those by the outputs.
    borrowing func pullBack(_ maps: Range<Int>, _ dy: MatrixView, into dx: inout MutableMatrixView, adding: Bool = false) {
        var start = 0
        for map in maps {
            let outputs = outputs(map)
            var part = dx.columns(0..<inputs(map))
            LinearAlgebra.multiply(dy.columns(start..<start + outputs), linear(map), into: &part, adding: adding || start > 0)
            start += outputs
        }
    }
}

extension NormLayout {
    /// What rows are multiplied with once normalised: the stored weight and what is added to it, or 1.
    func readWeight(from source: any WeightSource, into weights: inout MutableSpan<Float>) throws {
        guard let weight else { return weights.update(repeating: 1) }
        try source.read(weight, from: 0, into: &weights)
        if weightOffset != 0 { for index in weights.indices { weights[index] += weightOffset } }
    }
}
