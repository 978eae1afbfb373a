internal import Storage
internal import SystemPackage
internal import Tensors

/// Names of the family's files turned into names of this checkpoint, and checked.
struct LayoutReader {
    let configuration: ModelConfiguration
    let checkpoint: Checkpoint

    func name(_ role: String) -> String { configuration.architecture.tensor(role)?.string ?? role }

    func tensor(_ name: String, _ shape: [Int]) throws(CheckpointError) -> String {
        for prefix in configuration.architecture.prefixes where name.hasPrefix(prefix) {
            let candidate = String(name.dropFirst(prefix.count))
            guard let tensor = checkpoint.tensor(named: candidate), let file = checkpoint.file(holding: candidate) else { continue }
            guard tensor.shape == shape else {
                throw .unexpectedShape(file.path, name: candidate, expected: shape, found: tensor.shape)
            }
            guard tensor.dtype.isComputable else { throw .unsupportedDType(file.path, name: candidate, dtype: tensor.dtype) }
            return candidate
        }
        throw .missingTensor(checkpoint.path, name: name)
    }

    func layer(_ layer: Int) throws(CheckpointError) -> LayerLayout {
        let c = configuration
        func linear(_ role: String, _ inputs: Int, _ outputs: Int) throws(CheckpointError) -> LinearLayout {
            guard let description = c.architecture.layerTensor(role) else {
                preconditionFailure("\(c.architecture.modelType) has no \(role)")
            }
            return try self.linear(description, inputs, outputs, layer: layer)
        }
        func norm(_ role: String, width: Int) throws(CheckpointError) -> NormLayout? {
            try self.norm(c.architecture.layerTensor(role), width: width, layer: layer)
        }
        let (queries, keyValues) = (c.queryColumns, c.keyValueColumns)
        var projections: [LinearLayout] = []
        if c.architecture.layerTensor("query_key_value") != nil {
            var fused = try linear("query_key_value", c.hiddenSize, queries + 2 * keyValues)
            if c.fusedOrder == .interleaved {
                fused.storedOrder = .interleaved(heads: c.headCount, keyValueHeads: c.keyValueHeadCount, headSize: c.headSize)
            }
            projections = [fused]
        } else {
            projections = [
                try linear("query", c.hiddenSize, queries), try linear("key", c.hiddenSize, keyValues),
                try linear("value", c.hiddenSize, keyValues),
            ]
        }
        let mixture = c.layers[layer].isSparse ? c.mixture : nil
        if mixture != nil { try refuseFusedExperts(layer) }
        return LayerLayout(
            attentionNorm: try norm("attention_norm", width: c.hiddenSize), projections: projections,
            queryNorms: try headNorms("query_norm", heads: c.headCount, layer: layer),
            keyNorms: try headNorms("key_norm", heads: c.keyValueHeadCount, layer: layer),
            attentionOutput: try linear("attention_output", queries, c.hiddenSize),
            attentionOutputNorm: try norm("attention_output_norm", width: c.hiddenSize),
            feedForwardNorm: try norm("feed_forward_norm", width: c.hiddenSize),
            feedForward: mixture == nil
                ? try feedForward("", width: c.feedForwardSize, layer: layer)
                : try mixture?.sharedSize.map { width throws(CheckpointError) in
                    try feedForward("shared_", width: width, layer: layer)
                },
            sharedWeight: mixture?.sharedSize == nil || c.architecture.layerTensor("shared_weight") == nil
                ? nil : try linear("shared_weight", c.hiddenSize, 1),
            router: try mixture.map { mixture throws(CheckpointError) in try linear("router", c.hiddenSize, mixture.experts) },
            experts: try mixture.map { mixture throws(CheckpointError) in try experts(mixture, layer: layer) } ?? [],
            feedForwardOutputNorm: try norm("feed_forward_output_norm", width: c.hiddenSize))
    }

    private func experts(_ mixture: ModelConfiguration.Mixture, layer: Int) throws(CheckpointError) -> [FeedForwardLayout] {
        var experts: [FeedForwardLayout] = []
        for expert in 0..<mixture.experts {
            experts.append(try feedForward("expert_", width: mixture.expertSize, layer: layer, expert: expert))
        }
        return experts
    }

    /// The maps of a feed-forward block, their roles with what stands before them.
    private func feedForward(_ start: String, width: Int, layer: Int, expert: Int = 0) throws(CheckpointError) -> FeedForwardLayout {
        let (architecture, hidden) = (configuration.architecture, configuration.hiddenSize)
        func map(_ role: String, _ inputs: Int, _ outputs: Int) throws(CheckpointError) -> LinearLayout {
            guard let description = architecture.layerTensor(start + role) else {
                preconditionFailure("\(architecture.modelType) has no \(start + role)")
            }
            return try linear(description, inputs, outputs, layer: layer, expert: expert)
        }
        var expansions: [LinearLayout] = []
        if architecture.layerTensor(start + "gate_up") != nil {
            expansions = [try map("gate_up", hidden, 2 * width)]
        } else {
            if configuration.activation.isGated { expansions = [try map("gate", hidden, width)] }
            expansions.append(try map("up", hidden, width))
        }
        return FeedForwardLayout(expansions: expansions, contraction: try map("down", width, hidden))
    }

    /// Throws where all experts of a layer are in one tensor, as some programs keep them in memory.
    private func refuseFusedExperts(_ layer: Int) throws(CheckpointError) {
        let names = (configuration.architecture.description["fused_experts"]?.array ?? []).compactMap(\.string)
        for name in names.map({ $0.replacing("{layer}", with: "\(layer)") }) {
            for prefix in configuration.architecture.prefixes where name.hasPrefix(prefix) {
                let candidate = String(name.dropFirst(prefix.count))
                guard checkpoint.tensor(named: candidate) != nil, let file = checkpoint.file(holding: candidate) else { continue }
                throw .tensor(
                    file.path, name: candidate, kind: "fused-experts",
                    reason: "holds all experts of a layer; only checkpoints with tensors for each expert, as they are published, are read")
            }
        }
    }

    /// Norms of queries or keys: one for all heads alike, one for each ({head} in the name), or one over all together.
    private func headNorms(_ role: String, heads: Int, layer: Int) throws(CheckpointError) -> [NormLayout] {
        guard let description = configuration.architecture.layerTensor(role) else { return [] }
        let isWhole = description["width"]?.string == "all_heads"
        let count = description["name"]?.string?.contains("{head}") ?? false ? heads : 1
        var norms: [NormLayout] = []
        for head in 0..<count {
            let width = isWhole ? heads * configuration.headSize : configuration.headSize
            if let norm = try norm(description, width: width, layer: layer, head: head) { norms.append(norm) }
        }
        return norms
    }

    func linear(
        _ description: JSONValue?, _ inputs: Int, _ outputs: Int, layer: Int = 0, expert: Int = 0
    ) throws(CheckpointError) -> LinearLayout {
        let (name, hasBias) = try named(description ?? .null, [("{layer}", layer), ("{expert}", expert)])
        let isInputByOutput = configuration.architecture.trait("weight_layout") == "input_by_output"
        return LinearLayout(
            weight: try tensor(name + ".weight", isInputByOutput ? [inputs, outputs] : [outputs, inputs]),
            bias: hasBias ? try tensor(name + ".bias", [outputs]) : nil,
            inputs: inputs, outputs: outputs, isInputByOutput: isInputByOutput)
    }

    func norm(_ description: JSONValue?, width: Int, layer: Int = 0, head: Int = 0) throws(CheckpointError) -> NormLayout? {
        guard let description else { return nil }
        let (name, hasBias) = try named(description, [("{layer}", layer), ("{head}", head)])
        let kind = configuration.normWeight
        return NormLayout(
            weight: kind == .none ? nil : try tensor(name + ".weight", [width]),
            bias: hasBias && kind != .none ? try tensor(name + ".bias", [width]) : nil,
            width: width, weightOffset: kind == .onePlus ? 1 : 0)
    }

    private func named(
        _ description: JSONValue, _ numbers: [(placeholder: String, number: Int)]
    ) throws(CheckpointError) -> (name: String, hasBias: Bool) {
        var name = description["name"]?.string ?? ""
        for (placeholder, number) in numbers {
            name = name.split(separator: placeholder, omittingEmptySubsequences: false).joined(separator: "\(number)")
        }
        return (name, try configuration.isOn(description["bias"]))
    }
}
