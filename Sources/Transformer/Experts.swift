internal import Checkpoints
internal import Tensors

/// A sparse layer's experts. Each is a feed-forward block whose weights are read when its turn comes, and every token that was
/// sent to it passes before the next one's are read: one expert is in memory at a time. An expert that no token was sent to is
/// not read.
///
///     y += r sum_e w_e Wd_e activation(Wgu_e x)
///
/// x: a token's feed-forward input; w: its routing weights; r: the residual multiplier. The weight is applied to the activations:
/// the map after them is linear, and its inputs and output gradients are then those of any linear map.
/// N: rows that are held. What a row computes depends on its micro-batch alone.
struct Experts: ~Copyable {
    let configuration: ModelConfiguration
    var weights: LayerWeights
    private(set) var inputs: Matrix  // N x C
    private(set) var routing: Matrix  // N x experts
    private(set) var outputGradient: Matrix  // N x C: by what the experts put out together
    var inputGradient: Matrix  // N x C
    var routingGradient: Matrix  // N x experts

    /// Room for `rows` rows; without gradients for the way forward.
    init(_ model: LanguageModel, _ shape: LayerShape, rows: Int, withGradients: Bool) {
        configuration = model.configuration
        weights = LayerWeights(for: model.layout.layers.flatMap(\.experts))
        let (rows, width) = (shape.routing == 0 ? 0 : rows, shape.hidden)
        inputs = Matrix(rows: rows, columns: width)
        routing = Matrix(rows: rows, columns: shape.routing)
        outputGradient = Matrix(rows: withGradients ? rows : 0, columns: width)
        inputGradient = Matrix(rows: withGradients ? rows : 0, columns: width)
        routingGradient = Matrix(rows: withGradients ? rows : 0, columns: shape.routing)
    }

    /// Takes a micro-batch's inputs and routing weights: they become those rows.
    mutating func take(_ a: borrowing LayerActivations, at rows: Range<Int>) {
        copy(a.feedForwardNormed, 0..<rows.count, into: &inputs, rows)
        copy(a.routing, 0..<rows.count, into: &routing, rows)
    }

    /// Takes some rows of the gradient by the layer's output.
    mutating func takeGradient(_ gradient: borrowing Matrix, _ gradientRows: Range<Int>, at rows: Range<Int>) {
        copy(gradient, gradientRows, into: &outputGradient, rows)
        let factor = configuration.scales.residual
        var output = outputGradient.mutableRows(rows)
        scale(&output, by: factor)
    }

    /// Leaves the gradients by a micro-batch's inputs and routing weights where the layer's backward pass goes on.
    borrowing func give(_ d: inout LayerGradients, of rows: Range<Int>) {
        copy(inputGradient, rows, into: &d.feedForwardNormed, 0..<rows.count)
        copy(routingGradient, rows, into: &d.routing, 0..<rows.count)
    }

    /// The rows among those given that go to an expert.
    borrowing func rows(to expert: Int, among rows: Range<Int>) -> [Int] {
        let weights = routing.elements
        return rows.filter { weights[$0 * routing.columns + expert] != 0 }
    }
}
