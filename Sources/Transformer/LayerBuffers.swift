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
        3 * configuration.hiddenSize + 4 + 2 * configuration.queryColumns + 2 * configuration.keyValueColumns + configuration.expandedColumns
            + configuration.feedForwardSize
    }
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
