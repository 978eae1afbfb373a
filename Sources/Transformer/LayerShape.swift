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
    /// The router's logits: the experts of a sparse layer.
    let routing: Int
    /// 1 where a shared expert's output is weighted.
    let sharedWeight: Int
    /// E of an expert.
    let expertExpanded: Int
    /// F of an expert.
    let expertActivated: Int

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
        let (layers, experts) = (model.layout.layers, model.layout.layers.flatMap(\.experts))
        expanded = layers.compactMap(\.feedForward?.expandedWidth).max() ?? 0
        activated = layers.compactMap(\.feedForward?.width).max() ?? 0
        routing = layers.map(\.experts.count).max() ?? 0
        sharedWeight = layers.contains { $0.sharedWeight != nil } ? 1 : 0
        expertExpanded = experts.map(\.expandedWidth).max() ?? 0
        expertActivated = experts.map(\.width).max() ?? 0
    }

    /// Floats that a row of `LayerActivations` takes.
    var activationColumns: Int {
        3 * hidden + 8 + queryKeyValue + projected + headStatistics + mixed + 3 * blockOutput + expanded + activated + 2 * routing
            + sharedWeight
    }

    /// Floats that a row of `LayerGradients` takes.
    var gradientColumns: Int {
        5 * hidden + queryKeyValue + projected + headStatistics + mixed + 2 * blockOutput + expanded + activated + routing + sharedWeight
    }

    /// Floats that a row of `LayerFactors` takes.
    var factorColumns: Int { 4 * hidden + queryKeyValue + mixed + expanded + activated + routing + sharedWeight + 1 }

    /// Floats that a row of `Experts` takes on the way forward.
    var expertColumns: Int { routing == 0 ? 0 : hidden + routing }

    /// Floats that a row of `Experts` takes on the way back, where one expert may get every row: kept, its gradient factors, its number.
    var expertFactorColumns: Int { routing == 0 ? 0 : 3 * hidden + 2 * routing + 2 * hidden + expertExpanded + expertActivated + 5 }

    /// Floats that a row of a micro-batch takes while it passes an expert, either way.
    var expertPassColumns: Int { routing == 0 ? 0 : 2 * hidden + expertExpanded + expertActivated }
}
