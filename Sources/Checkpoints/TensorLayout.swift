internal import Storage
internal import SystemPackage
internal import Tensors

/// A linear map's tensors: y = W x + b.
package struct LinearLayout: Sendable {
    package let weight: String
    package let bias: String?
    package let inputs: Int
    package let outputs: Int
    /// Whether the weight is stored (inputs x outputs), as GPT-2's Conv1D is, rather than (outputs x inputs).
    package let isInputByOutput: Bool

    package var storedRows: Int { isInputByOutput ? inputs : outputs }
    package var storedColumns: Int { isInputByOutput ? outputs : inputs }
}

/// A normalisation's tensors.
package struct NormLayout: Sendable {
    package let weight: String
    package let bias: String?
}

/// A decoder layer's tensors by role.
package struct LayerLayout: Sendable {
    package let attentionNorm: NormLayout
    /// Query, key and value, or one map for all three: their outputs side by side are the query-key-value buffer.
    package let projections: [LinearLayout]
    package let attentionOutput: LinearLayout
    package let feedForwardNorm: NormLayout
    /// Gate and up, or up alone: their outputs side by side are the feed-forward buffer.
    package let expansions: [LinearLayout]
    package let contraction: LinearLayout

    package var linears: [LinearLayout] { projections + [attentionOutput] + expansions + [contraction] }
    package var norms: [NormLayout] { [attentionNorm, feedForwardNorm] }
}

/// A decoder's tensors by role, each known to be in the checkpoint with the shape and a type that can be computed with.
package struct TensorLayout: Sendable {
    package let embedding: String
    package let positionEmbedding: String?
    package let layers: [LayerLayout]
    package let finalNorm: NormLayout
    /// The head's tensor: the embedding itself where they are tied.
    package let head: String

    /// Throws `missingTensor`, `unexpectedShape` or `unsupportedDType`.
    package init(_ configuration: ModelConfiguration, in checkpoint: Checkpoint) throws(CheckpointError) {
        let reader = Reader(configuration: configuration, checkpoint: checkpoint)
        let c = configuration
        embedding = try reader.tensor(reader.name("embedding"), [c.vocabularySize, c.hiddenSize])
        positionEmbedding =
            c.position == .learned ? try reader.tensor(reader.name("position_embedding"), [c.contextLength, c.hiddenSize]) : nil
        finalNorm = try reader.norm(c.architecture.tensor("final_norm"), layer: 0)
        head = c.isHeadTied ? embedding : try reader.tensor(reader.name("head"), [c.vocabularySize, c.hiddenSize])
        var layers: [LayerLayout] = []
        for layer in 0..<c.layerCount {
            func linear(_ role: String, _ inputs: Int, _ outputs: Int) throws(CheckpointError) -> LinearLayout? {
                guard let description = c.architecture.layerTensor(role) else { return nil }
                return try reader.linear(description, layer, inputs, outputs)
            }
            func required(_ role: String, _ inputs: Int, _ outputs: Int) throws(CheckpointError) -> LinearLayout {
                guard let result = try linear(role, inputs, outputs) else {
                    preconditionFailure("\(c.architecture.modelType) has no \(role)")
                }
                return result
            }
            let queries = c.queryColumns, keyValues = c.keyValueColumns
            let projections: [LinearLayout]
            if let fused = try linear("query_key_value", c.hiddenSize, queries + 2 * keyValues) {
                projections = [fused]
            } else {
                projections = [
                    try required("query", c.hiddenSize, queries), try required("key", c.hiddenSize, keyValues),
                    try required("value", c.hiddenSize, keyValues),
                ]
            }
            let gate = try linear("gate", c.hiddenSize, c.feedForwardSize)
            layers.append(
                LayerLayout(
                    attentionNorm: try reader.norm(c.architecture.layerTensor("attention_norm"), layer: layer),
                    projections: projections,
                    attentionOutput: try required("attention_output", queries, c.hiddenSize),
                    feedForwardNorm: try reader.norm(c.architecture.layerTensor("feed_forward_norm"), layer: layer),
                    expansions: (gate.map { [$0] } ?? []) + [try required("up", c.hiddenSize, c.feedForwardSize)],
                    contraction: try required("down", c.feedForwardSize, c.hiddenSize)))
        }
        self.layers = layers
    }

    /// Every tensor that an edit may change, in the order of the decoder.
    package var parameters: [String] {
        var names = [embedding] + (positionEmbedding.map { [$0] } ?? [])
        for layer in layers {
            for norm in layer.norms { names += [norm.weight] + (norm.bias.map { [$0] } ?? []) }
            for linear in layer.linears { names += [linear.weight] + (linear.bias.map { [$0] } ?? []) }
        }
        names += [finalNorm.weight] + (finalNorm.bias.map { [$0] } ?? [])
        return head == embedding ? names : names + [head]
    }

    /// Names of the family's files turned into names of this checkpoint, and checked.
    private struct Reader {
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

        func linear(_ description: JSONValue, _ layer: Int, _ inputs: Int, _ outputs: Int) throws(CheckpointError) -> LinearLayout {
            let (name, hasBias) = try named(description, layer)
            let isInputByOutput = configuration.architecture.trait("weight_layout") == "input_by_output"
            return LinearLayout(
                weight: try tensor(name + ".weight", isInputByOutput ? [inputs, outputs] : [outputs, inputs]),
                bias: hasBias ? try tensor(name + ".bias", [outputs]) : nil,
                inputs: inputs, outputs: outputs, isInputByOutput: isInputByOutput)
        }

        func norm(_ description: JSONValue?, layer: Int) throws(CheckpointError) -> NormLayout {
            let (name, hasBias) = try named(description ?? .null, layer)
            return NormLayout(
                weight: try tensor(name + ".weight", [configuration.hiddenSize]),
                bias: hasBias ? try tensor(name + ".bias", [configuration.hiddenSize]) : nil)
        }

        private func named(_ description: JSONValue, _ layer: Int) throws(CheckpointError) -> (name: String, hasBias: Bool) {
            let pattern = description["name"]?.string ?? ""
            let parts = pattern.split(separator: "{layer}", omittingEmptySubsequences: false)
            return (parts.joined(separator: "\(layer)"), try configuration.isOn(description["bias"]))
        }
    }
}
