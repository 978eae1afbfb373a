internal import Checkpoints

/// The numbers of a layer's norms among `LayerLayout.norms`; nil: there is no such norm.
struct NormNumbers {
    private(set) var attention: Int?
    private(set) var attentionOutput: Int?
    private(set) var feedForward: Int?
    private(set) var feedForwardOutput: Int?

    init(_ layer: LayerLayout) {
        var next = 0
        func number(_ norm: NormLayout?) -> Int? {
            guard norm != nil else { return nil }
            defer { next += 1 }
            return next
        }
        attention = number(layer.attentionNorm)
        next += layer.queryNorms.count + layer.keyNorms.count
        attentionOutput = number(layer.attentionOutputNorm)
        feedForward = number(layer.feedForwardNorm)
        feedForwardOutput = number(layer.feedForwardOutputNorm)
    }
}
