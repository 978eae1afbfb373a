internal import Checkpoints
internal import Tensors

extension Experts {
    /// Finds the gradients by inputs and routing weights, and shows every expert's parameters to the tap: of the tokens that were
    /// sent to it, with the example that each belongs to. May be called again: then everything is found, and shown, anew.
    mutating func backward(
        _ experts: [FeedForwardLayout], _ chunk: SweepChunk, from source: any WeightSource, _ tap: any GradientTap
    ) throws {
        inputGradient.fill(0)
        routingGradient.fill(0)
        for (number, expert) in experts.enumerated() {
            let routes = chunk.microBatches.map { rows(to: number, among: $0.rows) }
            let sent = Array(routes.joined())
            if !sent.isEmpty { try weights.load(expert, from: source) }
            var factors = ExpertFactors(expert, rows: sent.count)
            gather(inputs, sent, into: &factors.inputs)
            gather(outputGradient, sent, into: &factors.outputGradient)
            var start = 0
            for route in routes where !route.isEmpty {
                pass(number, expert, route, &factors, start..<start + route.count)
                start += route.count
            }
            try factors.visit(expert, tap, exampleRows: chunk.exampleRows.map { sent.places(of: $0) }, chunk.examples)
        }
    }

    /// One micro-batch's rows through an expert and back; `here` are their places among all of the expert's rows.
    private mutating func pass(
        _ number: Int, _ expert: FeedForwardLayout, _ rows: [Int], _ factors: inout ExpertFactors, _ here: Range<Int>
    ) {
        var expanded = Matrix(rows: rows.count, columns: expert.expandedWidth)
        var gradient = Matrix(rows: rows.count, columns: expert.width)
        activate(expert, factors.inputs, here, &expanded, into: &factors.activated)
        var slopes = gradient.mutableView
        weights.pullBack(expert.contractionNumber, factors.outputGradient.rows(here), into: &slopes)
        let places = rows.map { $0 * routing.columns + number }
        weighBackward(&factors.activated, here, &slopes, routing, places, into: &routingGradient)
        var expansion = factors.expandedGradient.mutableRows(here)
        FeedForward.backward(configuration.activation, dActivated: slopes.view, expanded: expanded.view, into: &expansion)
        var inputs = Matrix(rows: rows.count, columns: inputGradient.columns)
        var sum = inputs.mutableView
        weights.pullBack(expert.expansionNumbers, expansion.view, into: &sum)
        scatter(sum.view, scale: 1, to: &inputGradient, rows)
    }
}

/// From the gradient by weighted activations (R x F) to that by the activations, in place, and by the weights, which have their
/// places among the routing's elements; the activations become weighted.
private func weighBackward(
    _ activated: inout Matrix, _ rows: Range<Int>, _ gradient: inout MutableMatrixView, _ routing: borrowing Matrix, _ places: [Int],
    into routingGradient: inout Matrix
) {
    var activated = activated.mutableRows(rows)
    var slopes = routingGradient.mutableElements
    for (index, place) in places.enumerated() {
        let weight = routing.elements[place]
        var values = activated.row(index)
        var slope = gradient.row(index)
        slopes[place] = slope.span.dot(values.span)
        for column in values.indices { values[column] *= weight }
        for column in slope.indices { slope[column] *= weight }
    }
}

/// An expert's gradient factors: R rows, one a token that was sent to it.
private struct ExpertFactors: ~Copyable {
    var inputs: Matrix  // R x C
    var expandedGradient: Matrix  // R x E
    var activated: Matrix  // R x F, weighted
    var outputGradient: Matrix  // R x C
    private let none: Matrix  // R x 1: experts have no biases

    init(_ expert: FeedForwardLayout, rows: Int) {
        inputs = Matrix(rows: rows, columns: expert.contraction.outputs)
        expandedGradient = Matrix(rows: rows, columns: expert.expandedWidth)
        activated = Matrix(rows: rows, columns: expert.width)
        outputGradient = Matrix(rows: rows, columns: expert.contraction.outputs)
        none = Matrix(rows: rows, columns: 1)
    }

    borrowing func visit(
        _ expert: FeedForwardLayout, _ tap: any GradientTap, exampleRows: [Range<Int>], _ examples: Range<Int>
    ) throws {
        var start = 0
        for map in expert.expansions {
            let gradient = expandedGradient.view.columns(start..<start + map.outputs)
            try map.visit(tap, inputs.view, gradient, ones: none.view, exampleRows, examples)
            start += map.outputs
        }
        try expert.contraction.visit(tap, activated.view, outputGradient.view, ones: none.view, exampleRows, examples)
    }
}

extension [Int] {
    /// Where the elements, which ascend, lie within a range.
    fileprivate func places(of bounds: Range<Int>) -> Range<Int> {
        let first = firstIndex { $0 >= bounds.lowerBound } ?? count
        return first..<(self[first...].firstIndex { $0 >= bounds.upperBound } ?? count)
    }
}
