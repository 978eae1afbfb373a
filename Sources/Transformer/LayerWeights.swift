package import Checkpoints
internal import Tensors

/// One layer's parameters as Float, in one buffer that every layer is loaded into in turn.
package struct LayerWeights: ~Copyable {
    private var buffer: Matrix
    private var norms: [(weight: Range<Int>, bias: Range<Int>)] = []
    private var linears: [(layout: LinearLayout, weight: Range<Int>, bias: Range<Int>)] = []

    /// Room for any layer of the model.
    package init(for layers: [LayerLayout], hiddenSize: Int) {
        buffer = Matrix(rows: 1, columns: layers.map { Self.parameterCount($0, hiddenSize) }.max() ?? 0)
    }

    /// Parameters of one layer.
    static func parameterCount(_ layout: LayerLayout, _ hiddenSize: Int) -> Int {
        layout.norms.reduce(0) { $0 + hiddenSize * ($1.bias == nil ? 1 : 2) }
            + layout.linears.reduce(0) { $0 + $1.inputs * $1.outputs + ($1.bias == nil ? 0 : $1.outputs) }
    }

    package mutating func load(_ layout: LayerLayout, hiddenSize: Int, from source: any WeightSource) throws {
        norms = []
        linears = []
        var end = 0
        for norm in layout.norms {
            let weight = try read(norm.weight, hiddenSize, at: &end, from: source)
            norms.append((weight, try read(norm.bias, hiddenSize, at: &end, from: source)))
        }
        for linear in layout.linears {
            let weight = try read(linear.weight, linear.inputs * linear.outputs, at: &end, from: source)
            linears.append((linear, weight, try read(linear.bias, linear.outputs, at: &end, from: source)))
        }
    }

    /// Where the tensor's elements are now; an empty range where there is none.
    private mutating func read(_ name: String?, _ count: Int, at end: inout Int, from source: any WeightSource) throws -> Range<Int> {
        guard let name else { return end..<end }
        let range = end..<end + count
        var elements = buffer.mutableElements
        var target = elements._mutatingExtracting(range)
        try source.read(name, from: 0, into: &target)
        end = range.upperBound
        return range
    }

    /// Weight of a normalisation: 0 the attention's, 1 the feed-forward block's.
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
