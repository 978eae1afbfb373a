internal import Checkpoints

/// The widths of a layer's buffers, in columns. What a family has no use for has none.
struct LayerShape {
    /// C.
    let hidden: Int
    /// (H + 2 K) d.
    let queryKeyValue: Int
    /// The same where what the maps put out is normalised or clipped, and must be kept as it came.
    let projected: Int
    /// Mean and inverse deviation of every norm of queries and keys.
    let headStatistics: Int
    /// H d.
    let mixed: Int
    /// C where a block's output is normalised or scaled before it is added.
    let blockOutput: Int
    /// E: gate and up side by side, or up alone.
    let expanded: Int
    /// F.
    let activated: Int

    init(_ model: LanguageModel) {
        let c = model.configuration
        let layer = model.layout.layers[0]
        hidden = c.hiddenSize
        mixed = c.queryColumns
        queryKeyValue = c.queryColumns + 2 * c.keyValueColumns
        let groups = HeadNorms(layer, c).sites.count
        projected = groups > 0 || c.bounds.queryKeyValue != nil ? queryKeyValue : 0
        headStatistics = 2 * groups
        blockOutput = c.outputNorm != .none || c.scales.residual != 1 ? c.hiddenSize : 0
        expanded = FeedForward.expandedColumns(c.activation, width: c.feedForwardSize)
        activated = c.feedForwardSize
    }

    /// Floats that a row of `LayerActivations` takes.
    var activationColumns: Int {
        3 * hidden + 8 + queryKeyValue + projected + headStatistics + mixed + 3 * blockOutput + expanded + activated
    }

    /// Floats that a row of `LayerGradients` takes.
    var gradientColumns: Int { 5 * hidden + queryKeyValue + projected + headStatistics + mixed + 2 * blockOutput + expanded + activated }

    /// Floats that a row of `LayerFactors` takes.
    var factorColumns: Int { 4 * hidden + queryKeyValue + mixed + expanded + activated + 1 }
}
