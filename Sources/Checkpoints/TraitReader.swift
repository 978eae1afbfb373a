internal import Storage

/// The traits of a model: what its family's description and its config.json say together.
extension ConfigurationReader {
    typealias Configuration = ModelConfiguration

    /// A choice that the description names.
    func trait<Choice: RawRepresentable<String>>(_ name: String, _ otherwise: Choice) -> Choice {
        architecture.trait(name).flatMap(Choice.init(rawValue:)) ?? otherwise
    }

    func activation() throws(CheckpointError) -> Configuration.Activation {
        let known = Configuration.Activation.names
        let (key, value) = self.value("activation") ?? ("activation", .null)
        let name = value.string.map(architecture.commonName(of:))
        guard let function = known.first(where: { $0.name == name })?.function else {
            throw unsupported(key, value, known.map { .string($0.name) })
        }
        return Configuration.Activation(function, isGated: architecture.trait("feed_forward") == "gated")
    }

    func scales(hiddenSize: Int) throws(CheckpointError) -> Configuration.Scales {
        let isByWidth = architecture.trait("embedding_scale") == "square_root_of_width"
        let embedding = isByWidth ? Float(hiddenSize).squareRoot() : Float(try optionalNumber("embedding_multiplier") ?? 1)
        return Configuration.Scales(
            embedding: embedding, residual: Float(try optionalNumber("residual_multiplier") ?? 1),
            logit: Float(1 / (try optionalNumber("logit_divisor") ?? 1)))
    }

    func bounds() throws(CheckpointError) -> Configuration.Bounds {
        Configuration.Bounds(
            attentionSoftcap: try optionalNumber("attention_softcap").map { Float($0) },
            logitSoftcap: try optionalNumber("logit_softcap").map { Float($0) },
            queryKeyValue: try optionalNumber("query_key_value_clip").map { Float($0) })
    }

    /// One table for every layer, or a second one for windowed layers where the family has that.
    func rotary(headSize: Int, contextLength: Int) throws(CheckpointError) -> [RotaryParameters] {
        let rotary = RotaryReader(reader: self, headSize: headSize, contextLength: contextLength)
        let common = try rotary.parameters(base: "rotary_base", scaling: "rotary_scaling")
        guard hasWindowTable else { return [common] }
        return [common, try rotary.parameters(base: "window_rotary_base", scaling: "window_rotary_scaling")]
    }

    private var hasWindowTable: Bool { !architecture.keys(for: "window_rotary_base").isEmpty }

    /// Nil where no layer has experts.
    func mixture() throws(CheckpointError) -> Configuration.Mixture? {
        guard architecture.layerTensor("router") != nil else { return nil }
        let experts = try size("expert_count", atMost: 65536)
        let chosen = try size("experts_per_token", atMost: 65536)
        guard chosen <= experts else {
            let key = value("experts_per_token")?.key ?? "experts_per_token"
            throw .configuration(path, key: key, reason: "is \(chosen), of \(experts) expert\(experts == 1 ? "" : "s")")
        }
        return Configuration.Mixture(
            experts: experts, expertsPerToken: chosen, expertSize: try size("expert_size"),
            sharedSize: architecture.layerTensor("shared_up") == nil ? nil : try size("shared_expert_size"),
            isNormalized: try flag("normalize_routing", otherwise: false))
    }

    func layers(
        count: Int, headSize: Int, rotaryTables: Int, mixture: Configuration.Mixture?
    ) throws(CheckpointError) -> [Configuration.Layer] {
        let window = isNull("window") || value("window") == nil ? nil : try size("window")
        let windowed = try rule("windowed", count, otherwise: true)
        let turned = try rule("rotary", count, otherwise: true)
        let sparse = mixture == nil ? [Bool](repeating: false, count: count) : try rule("sparse", count, otherwise: true)
        let scale = try attentionScale(headSize: headSize)
        let isByLayer = try flag("scale_attention_by_layer", otherwise: false)
        return (0..<count).map { layer in
            Configuration.Layer(
                window: windowed[layer] ? window : nil,
                rotary: rotaryTables == 0 || !turned[layer] ? nil : rotaryTables > 1 && windowed[layer] ? 1 : 0,
                attentionScale: isByLayer ? scale / Float(layer + 1) : scale, isSparse: sparse[layer])
        }
    }

    private func rule(_ name: String, _ count: Int, otherwise: Bool) throws(CheckpointError) -> [Bool] {
        guard let rule = architecture.layerRule(name) else { return [Bool](repeating: otherwise, count: count) }
        return try LayerRule(rule, self).layers(count)
    }

    /// A given multiplier, else one over the square root of a given number or of the head's size.
    private func attentionScale(headSize: Int) throws(CheckpointError) -> Float {
        if let multiplier = try optionalNumber("attention_multiplier") { return Float(multiplier) }
        guard try flag("scale_attention", otherwise: true) else { return 1 }
        return 1 / Float(try optionalNumber("attention_scalar") ?? Double(headSize)).squareRoot()
    }
}
