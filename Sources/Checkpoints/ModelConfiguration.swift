package import Storage
package import SystemPackage

/// config.json, checked: the sizes and traits that a decoder is computed from.
package struct ModelConfiguration: Sendable {
    /// The family, in the variant that this model is of.
    package let architecture: Architecture
    package let path: FilePath
    /// C: the width of the residual stream.
    package let hiddenSize: Int
    /// The width of the token embedding, C but for some models of one family.
    package let embeddingSize: Int
    package let layerCount: Int
    package let headCount: Int
    package let keyValueHeadCount: Int
    package let headSize: Int
    /// The width of the feed-forward block; of a model with experts, that of its dense layers.
    package let feedForwardSize: Int
    package let vocabularySize: Int
    /// The most tokens a sequence may have.
    package let contextLength: Int
    package let normEpsilon: Float
    package let norm: Norm
    package let normWeight: NormWeight
    package let outputNorm: OutputNorm
    package let residual: Residual
    package let position: Position
    /// Rows of a learned position embedding before that of position 0.
    package let positionOffset: Int
    /// The tables that layers turn queries and keys by.
    package let rotary: [RotaryParameters]
    package let layers: [Layer]
    /// The experts of the layers that have them; nil: none does.
    package let mixture: Mixture?
    package let fusedOrder: FusedOrder
    package let activation: Activation
    package let scales: Scales
    package let bounds: Bounds
    /// Whether the head is the embedding, transposed.
    package let isHeadTied: Bool
    package let beginToken: Int?
    /// Any of these ends a text; the first is the usual one.
    package let endTokens: [Int]
    private let document: JSONValue

    package var queryColumns: Int { headCount * headSize }
    package var keyValueColumns: Int { keyValueHeadCount * headSize }

    /// Reads config.json of a model's files. An unknown family, or a trait that is not computed exactly, is refused.
    package init(_ files: FileTree) throws(CheckpointError) {
        let file: InputFile
        let document: JSONValue
        do {
            file = try files.file("config.json")
            document = try file.json(limit: 16 << 20)
        } catch { throw .storage(error) }
        try self.init(document: document, path: file.path)
    }

    package init(document: JSONValue, path: FilePath) throws(CheckpointError) {
        guard let type = document["model_type"]?.string else { throw .configuration(path, key: "model_type", reason: "is missing") }
        guard let family = Architecture.named(type) else {
            throw .unsupportedArchitecture(path, modelType: type, supported: Architecture.all.map(\.modelType))
        }
        let architecture = family.variant(for: document)
        let reader = ConfigurationReader(document: document, architecture: architecture, path: path)
        try reader.checkSupported()
        self.architecture = architecture
        self.path = path
        self.document = document
        hiddenSize = try reader.size("hidden_size")
        embeddingSize = try reader.size("embedding_size", otherwise: hiddenSize)
        layerCount = try reader.size("layer_count", atMost: 4096)
        headCount = try reader.size("head_count", atMost: 65536)
        keyValueHeadCount = try reader.size("key_value_head_count", otherwise: headCount, atMost: 65536)
        headSize = try reader.size("head_size", otherwise: hiddenSize / headCount, from: 0, atMost: 65536)
        feedForwardSize = try reader.size("feed_forward_size", otherwise: 4 * hiddenSize)
        vocabularySize = try reader.size("vocabulary_size")
        contextLength = try reader.size("context_length")
        positionOffset = try reader.size("position_offset", otherwise: 0, from: 0)
        guard headCount % keyValueHeadCount == 0 else {
            throw .configuration(path, key: "num_key_value_heads", reason: "(\(keyValueHeadCount)) does not divide the \(headCount) heads")
        }
        guard headSize > 0 else { throw .configuration(path, key: "head_dim", reason: "is 0") }
        normEpsilon = Float(try reader.number("norm_epsilon"))
        isHeadTied = try reader.flag("tied_head")
        norm = reader.trait("norm", .layer)
        normWeight = reader.trait("norm_weight", .stored)
        outputNorm = reader.trait("output_norm", .none)
        residual = reader.trait("residual", .sequential)
        position = reader.trait("position", .rotary)
        fusedOrder = reader.trait("query_key_value", .concatenated)
        activation = try reader.activation()
        scales = try reader.scales(hiddenSize: hiddenSize)
        bounds = try reader.bounds()
        rotary = position == .rotary ? try reader.rotary(headSize: headSize, contextLength: contextLength) : []
        mixture = try reader.mixture()
        layers = try reader.layers(count: layerCount, headSize: headSize, rotaryTables: rotary.count, mixture: mixture)
        beginToken = document["bos_token_id"]?.integer
        endTokens = document["eos_token_id"]?.integer.map { [$0] } ?? document["eos_token_id"]?.array?.compactMap(\.integer) ?? []
    }

    /// Whether a switch such as `attention_bias` is on: a constant of the family, or the name of a key.
    func isOn(_ value: JSONValue?) throws(CheckpointError) -> Bool {
        guard let key = value?.string else { return value?.boolean ?? false }
        guard let setting = document[key], !setting.isNull else { return architecture.defaultValue(of: key)?.boolean ?? false }
        guard let isOn = setting.boolean else { throw .configuration(path, key: key, reason: "is neither true nor false") }
        return isOn
    }
}
