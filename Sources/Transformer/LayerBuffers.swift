package import Checkpoints
internal import Tensors

/// A layer's intermediate results for one micro-batch of up to N rows, each one's shape beside it.
package struct LayerActivations: ~Copyable {
    var attentionNormed: Matrix  // N x C
    var attentionStatistics: Matrix  // N x 2
    var queryKeyValue: Matrix  // N x (H + 2 K) d, rotated
    var mixed: Matrix  // N x H d
    var residual: Matrix  // N x C: the input plus the attention block's output
    var feedForwardNormed: Matrix  // N x C
    var feedForwardStatistics: Matrix  // N x 2
    var expanded: Matrix  // N x E
    var activated: Matrix  // N x F

    package init(_ configuration: ModelConfiguration, rows: Int) {
        attentionNormed = Matrix(rows: rows, columns: configuration.hiddenSize)
        attentionStatistics = Matrix(rows: rows, columns: 2)
        queryKeyValue = Matrix(rows: rows, columns: configuration.queryColumns + 2 * configuration.keyValueColumns)
        mixed = Matrix(rows: rows, columns: configuration.queryColumns)
        residual = Matrix(rows: rows, columns: configuration.hiddenSize)
        feedForwardNormed = Matrix(rows: rows, columns: configuration.hiddenSize)
        feedForwardStatistics = Matrix(rows: rows, columns: 2)
        expanded = Matrix(rows: rows, columns: configuration.expandedColumns)
        activated = Matrix(rows: rows, columns: configuration.feedForwardSize)
    }

    /// Floats a row takes.
    static func width(_ configuration: ModelConfiguration) -> Int {
        3 * configuration.hiddenSize + 4 + 2 * configuration.queryColumns + 2 * configuration.keyValueColumns
            + configuration.expandedColumns
            + configuration.feedForwardSize
    }
}

/// The activations of every layer and micro-batch, or one set that all take turns with: the backward sweep finds there what
/// the forward sweep left, or computes it anew.
struct KeptActivations: ~Copyable {
    /// One micro-batch's activations in one layer.
    final class Slot {
        var activations: LayerActivations

        init(_ configuration: ModelConfiguration, rows: Int) { activations = LayerActivations(configuration, rows: rows) }
    }

    private let slots: [Slot]
    private let microBatches: Int
    /// Whether every layer and micro-batch has its own.
    let areKept: Bool

    init(_ configuration: ModelConfiguration, _ batch: TokenBatch, areKept: Bool) {
        self.areKept = areKept
        microBatches = batch.microBatches.count
        slots =
            areKept
            ? (0..<configuration.layerCount).flatMap { _ in batch.microBatches.map { Slot(configuration, rows: $0.rows.count) } }
            : [Slot(configuration, rows: batch.largestMicroBatchRows)]
    }

    func slot(layer: Int, microBatch: Int) -> Slot { slots[areKept ? layer * microBatches + microBatch : 0] }
}

/// d(loss) by a layer's intermediate results, for one micro-batch of up to N rows.
package struct LayerGradients: ~Copyable {
    var attentionNormed: Matrix  // N x C
    var queryKeyValue: Matrix  // N x (H + 2 K) d, before rotation
    var mixed: Matrix  // N x H d
    var residual: Matrix  // N x C
    var feedForwardNormed: Matrix  // N x C
    var expanded: Matrix  // N x E
    var activated: Matrix  // N x F

    package init(_ configuration: ModelConfiguration, rows: Int) {
        attentionNormed = Matrix(rows: rows, columns: configuration.hiddenSize)
        queryKeyValue = Matrix(rows: rows, columns: configuration.queryColumns + 2 * configuration.keyValueColumns)
        mixed = Matrix(rows: rows, columns: configuration.queryColumns)
        residual = Matrix(rows: rows, columns: configuration.hiddenSize)
        feedForwardNormed = Matrix(rows: rows, columns: configuration.hiddenSize)
        expanded = Matrix(rows: rows, columns: configuration.expandedColumns)
        activated = Matrix(rows: rows, columns: configuration.feedForwardSize)
    }

    static func width(_ configuration: ModelConfiguration) -> Int { LayerActivations.width(configuration) - 4 }
}

extension ModelConfiguration {
    /// E: gate and up side by side, or up alone.
    var expandedColumns: Int { FeedForward.expandedColumns(activation, width: feedForwardSize) }
}
