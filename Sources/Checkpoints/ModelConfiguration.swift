package import Storage
package import SystemPackage

/// config.json, checked: the sizes and traits that a decoder is computed from.
package struct ModelConfiguration: Sendable {
    package enum Norm: Sendable { case rms, layer }
    package enum Position: Sendable, Equatable { case rotary(base: Double), learned }
    package enum Activation: Sendable { case siluGated, geluTanh }

    package let architecture: Architecture
    package let path: FilePath
    /// C: the width of the residual stream.
    package let hiddenSize: Int
    package let layerCount: Int
    package let headCount: Int
    package let keyValueHeadCount: Int
    package let headSize: Int
    package let feedForwardSize: Int
    package let vocabularySize: Int
    /// The most tokens a sequence may have.
    package let contextLength: Int
    package let normEpsilon: Float
    package let norm: Norm
    package let position: Position
    package let activation: Activation
    /// Whether the head is the embedding, transposed.
    package let isHeadTied: Bool
    package let beginToken: Int?
    /// Any of these ends a text; the first is the usual one.
    package let endTokens: [Int]
    private let scalesAttention: Bool
    private let scalesAttentionByLayer: Bool
    private let document: JSONValue

    package var queryColumns: Int { headCount * headSize }
    package var keyValueColumns: Int { keyValueHeadCount * headSize }

    /// What a layer's attention scores are multiplied by.
    package func attentionScale(layer: Int) -> Float {
        let base = scalesAttention ? 1 / Float(headSize).squareRoot() : 1
        return scalesAttentionByLayer ? base / Float(layer + 1) : base
    }

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
        guard let architecture = Architecture.named(type) else {
            throw .unsupportedArchitecture(path, modelType: type, supported: Architecture.all.map(\.modelType))
        }
        for (key, values) in architecture.supportedValues {
            guard let value = Self.value(key, in: document), !value.isNull else { continue }
            guard values.contains(where: { Self.isEqual($0, value) }) else {
                throw .unsupportedTrait(
                    path, key: key, value: value.serialized(pretty: false),
                    supported: values.map { $0.serialized(pretty: false) }.joined(separator: ", "))
            }
        }
        let reader = Reader(document: document, architecture: architecture, path: path)
        self.architecture = architecture
        self.path = path
        self.document = document
        hiddenSize = try reader.size("hidden_size")
        layerCount = try reader.size("layer_count", atMost: 4096)
        headCount = try reader.size("head_count", atMost: 65536)
        keyValueHeadCount = try reader.size("key_value_head_count", otherwise: headCount, atMost: 65536)
        headSize = try reader.size("head_size", otherwise: hiddenSize / headCount, atMost: 65536)
        feedForwardSize = try reader.size("feed_forward_size", otherwise: 4 * hiddenSize)
        vocabularySize = try reader.size("vocabulary_size")
        contextLength = try reader.size("context_length")
        normEpsilon = Float(try reader.number("norm_epsilon"))
        isHeadTied = try reader.flag("tied_head")
        scalesAttention = try reader.flag("scale_attention", otherwise: true)
        scalesAttentionByLayer = try reader.flag("scale_attention_by_layer", otherwise: false)
        norm = architecture.trait("norm") == "rms" ? .rms : .layer
        activation = architecture.trait("feed_forward") == "gated" ? .siluGated : .geluTanh
        position = architecture.trait("position") == "rotary" ? .rotary(base: try reader.number("rotary_base")) : .learned
        beginToken = document["bos_token_id"]?.integer
        endTokens = document["eos_token_id"]?.integer.map { [$0] } ?? document["eos_token_id"]?.array?.compactMap(\.integer) ?? []
        guard headCount % keyValueHeadCount == 0 else {
            throw .configuration(path, key: "num_key_value_heads", reason: "(\(keyValueHeadCount)) does not divide the \(headCount) heads")
        }
        guard headSize > 0, headSize % 2 == 0 || position == .learned else {
            throw .configuration(path, key: "head_dim", reason: "(\(headSize)) is odd, which rotary positions cannot have")
        }
    }

    /// Whether a switch such as `attention_bias` is on: a constant of the family, or the name of a key.
    func isOn(_ value: JSONValue?) throws(CheckpointError) -> Bool {
        guard let key = value?.string else { return value?.boolean ?? false }
        guard let setting = document[key], !setting.isNull else { return false }
        guard let isOn = setting.boolean else { throw .configuration(path, key: key, reason: "is neither true nor false") }
        return isOn
    }

    private static func value(_ key: String, in document: JSONValue) -> JSONValue? {
        key.split(separator: ".").reduce(Optional(document)) { $0?[String($1)] }
    }

    private static func isEqual(_ a: JSONValue, _ b: JSONValue) -> Bool {
        switch (a, b) {
        case (.null, .null): true
        case (.boolean(let x), .boolean(let y)): x == y
        case (.string(let x), .string(let y)): x == y
        default: if let x = a.number, let y = b.number { x == y } else { false }
        }
    }

    /// Quantities of config.json under whichever key the family's writers use.
    private struct Reader {
        let document: JSONValue
        let architecture: Architecture
        let path: FilePath

        func value(_ quantity: String) -> (key: String, value: JSONValue)? {
            let keys = architecture.keys(for: quantity)
            for key in keys {
                if let value = ModelConfiguration.value(key, in: document), !value.isNull { return (key, value) }
            }
            return architecture.defaultValue(of: quantity).map { (keys.first ?? quantity, $0) }
        }

        func size(_ quantity: String, otherwise: Int? = nil, atMost limit: Int = 1 << 24) throws(CheckpointError) -> Int {
            guard let (key, value) = value(quantity) else {
                if let otherwise { return otherwise }
                throw .configuration(path, key: architecture.keys(for: quantity).first ?? quantity, reason: "is missing")
            }
            guard let size = value.integer, size > 0, size <= limit else {
                throw .configuration(
                    path, key: key, reason: "is \(value.serialized(pretty: false)); a whole number from 1 to \(limit) is expected")
            }
            return size
        }

        func number(_ quantity: String) throws(CheckpointError) -> Double {
            guard let (key, value) = value(quantity) else { throw .configuration(path, key: quantity, reason: "is missing") }
            guard let number = value.number, number > 0, number.isFinite else {
                throw .configuration(path, key: key, reason: "is \(value.serialized(pretty: false)); a positive number is expected")
            }
            return number
        }

        func flag(_ quantity: String, otherwise: Bool? = nil) throws(CheckpointError) -> Bool {
            guard let (key, value) = value(quantity) else {
                if let otherwise { return otherwise }
                throw .configuration(path, key: quantity, reason: "is missing")
            }
            guard let flag = value.boolean else { throw .configuration(path, key: key, reason: "is neither true nor false") }
            return flag
        }
    }
}
