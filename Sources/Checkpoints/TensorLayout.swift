internal import Storage

/// A decoder's tensors by role, each known to be in the checkpoint with the shape and a type that can be computed with.
package struct TensorLayout: Sendable {
    package let embedding: String
    /// From the embedding's width to that of the layers, where they differ.
    package let embeddingProjection: LinearLayout?
    package let embeddingNorm: NormLayout?
    package let positionEmbedding: String?
    package let layers: [LayerLayout]
    package let finalNorm: NormLayout?
    /// From the layers' width to the head's, where they differ.
    package let headProjection: LinearLayout?
    /// The head's tensor: the embedding itself where they are tied.
    package let head: String
    package let headBias: String?

    /// Throws `missingTensor`, `unexpectedShape` or `unsupportedDType`.
    package init(_ configuration: ModelConfiguration, in checkpoint: Checkpoint) throws(CheckpointError) {
        let reader = LayoutReader(configuration: configuration, checkpoint: checkpoint)
        let c = configuration
        embedding = try reader.tensor(reader.name("embedding"), [c.vocabularySize, c.embeddingSize])
        positionEmbedding =
            c.position == .learned
            ? try reader.tensor(reader.name("position_embedding"), [c.contextLength + c.positionOffset, c.hiddenSize]) : nil
        embeddingNorm = try reader.norm(c.architecture.tensor("embedding_norm"), width: c.hiddenSize)
        finalNorm = try reader.norm(c.architecture.tensor("final_norm"), width: c.hiddenSize)
        let isProjected = c.embeddingSize != c.hiddenSize
        embeddingProjection =
            isProjected ? try reader.linear(c.architecture.tensor("embedding_projection"), c.embeddingSize, c.hiddenSize) : nil
        headProjection = isProjected ? try reader.linear(c.architecture.tensor("head_projection"), c.hiddenSize, c.embeddingSize) : nil
        head = c.isHeadTied ? embedding : try reader.tensor(reader.name("head"), [c.vocabularySize, c.embeddingSize])
        headBias = try c.architecture.tensor("head_bias")?.string.map { name throws(CheckpointError) in
            try reader.tensor(name, [c.vocabularySize])
        }
        var layers: [LayerLayout] = []
        for layer in 0..<c.layerCount { layers.append(try reader.layer(layer)) }
        self.layers = layers
    }

    /// What a parameter is for, and the layer it is of, where it is of one.
    package func place(of name: String) -> (role: ParameterRole, layer: Int?) {
        for (index, layer) in layers.enumerated() { if let role = layer.role(of: name) { return (role, index) } }
        let norms = (embeddingNorm?.names ?? []) + (finalNorm?.names ?? [])
        return (norms.contains(name) ? .norm : .embedding, nil)
    }

    /// Every tensor that an edit may change, in the order of the decoder.
    package var parameters: [String] {
        var names = [embedding] + (embeddingProjection?.names ?? []) + (positionEmbedding.map { [$0] } ?? []) + (embeddingNorm?.names ?? [])
        names += layers.flatMap(\.parameters)
        names +=
            (finalNorm?.names ?? []) + (headProjection?.names ?? []) + (head == embedding ? [] : [head]) + (headBias.map { [$0] } ?? [])
        return names
    }
}
