internal import Glibc
internal import Storage

/// Reads `rope_scaling` or `rope_parameters` of config.json, of either generation of keys.
struct RotaryReader {
    let reader: ConfigurationReader
    let headSize: Int
    let contextLength: Int

    /// The parameters under the given quantities.
    func parameters(base: String, scaling: String) throws(CheckpointError) -> RotaryParameters {
        let base = try reader.number(base)
        let fraction = try reader.optionalNumber("rotary_fraction") ?? 1
        let columns = Int(Double(headSize) * min(fraction, 1))
        guard columns > 0, columns % 2 == 0 else {
            throw .configuration(
                reader.path, key: fraction < 1 ? reader.value("rotary_fraction")?.key ?? "partial_rotary_factor" : "head_dim",
                reason: "leaves \(columns) columns of a head for rotary positions, which must be an even number")
        }
        guard let (key, object) = reader.value(scaling), object.object != nil else {
            return RotaryParameters(base: base, columns: columns)
        }
        let (type, typeKey) = try self.type(object, key)
        let source = ScalingSource(reader: reader, object: object, key: key, contextLength: contextLength)
        switch type {
        case "default": return RotaryParameters(base: base, columns: columns)
        // Stretches beyond the context only, and longer sequences are not computed.
        case "dynamic":
            _ = try source.number("factor")
            return RotaryParameters(base: base, columns: columns)
        case "linear": return RotaryParameters(base: base, columns: columns, scaling: .linear(factor: try source.number("factor")))
        case "llama3": return RotaryParameters(base: base, columns: columns, scaling: try source.llama3())
        case "yarn": return try source.yarn(base: base, columns: columns)
        case "longrope": return try source.long(base: base, columns: columns)
        default:
            throw reader.unsupported(typeKey, .string(type), ["default", "linear", "dynamic", "llama3", "yarn", "longrope"])
        }
    }

    /// The kind of scaling: `rope_type`, formerly `type`.
    private func type(_ object: JSONValue, _ key: String) throws(CheckpointError) -> (type: String, key: String) {
        for name in ["rope_type", "type"] {
            guard let value = object[name], !value.isNull else { continue }
            guard let type = value.string else { throw .configuration(reader.path, key: "\(key).\(name)", reason: "is not a string") }
            return (reader.architecture.commonName(of: type), "\(key).\(name)")
        }
        return ("default", "\(key).rope_type")
    }
}

/// The members of one scaling object.
private struct ScalingSource {
    let reader: ConfigurationReader
    let object: JSONValue
    let key: String
    let contextLength: Int

    func number(_ name: String, otherwise: Double? = nil) throws(CheckpointError) -> Double {
        if let otherwise, object[name]?.isNull ?? true { return otherwise }
        return try reader.positive(object[name], "\(key).\(name)")
    }

    /// The context that the frequencies were made for.
    func original() throws(CheckpointError) -> Double {
        if let outside = try reader.optionalNumber("original_context_length") { return outside }
        return try number("original_max_position_embeddings", otherwise: Double(contextLength))
    }

    func llama3() throws(CheckpointError) -> RotaryParameters.Scaling {
        let (low, high) = (try number("low_freq_factor"), try number("high_freq_factor"))
        guard high > low else { throw .configuration(reader.path, key: "\(key).high_freq_factor", reason: "is not above low_freq_factor") }
        return .llama3(factor: try number("factor"), low: low, high: high, original: try original())
    }

    func yarn(base: Double, columns: Int) throws(CheckpointError) -> RotaryParameters {
        let original = try original()
        let factor = try number("factor", otherwise: Double(contextLength) / original)
        guard base > 1 else { throw .configuration(reader.path, key: "rope_theta", reason: "is not above 1, which yarn needs") }
        func magnitude(_ scale: Double) -> Double { factor <= 1 ? 1 : 0.1 * scale * log(factor) + 1 }
        let (all, part) = (object["mscale_all_dim"]?.number ?? 0, object["mscale"]?.number ?? 0)
        let ratio = all != 0 && part != 0 ? magnitude(part) / magnitude(all) : magnitude(1)
        /// The pair that turns so many times within the original context.
        func pair(turns: Double) -> Double { Double(columns) * log(original / (turns * 2 * .pi)) / (2 * log(base)) }
        var (first, last) = (pair(turns: try number("beta_fast", otherwise: 32)), pair(turns: try number("beta_slow", otherwise: 1)))
        if object["truncate"]?.boolean ?? true { (first, last) = (first.rounded(.down), last.rounded(.up)) }
        (first, last) = (max(first, 0), min(last, Double(columns - 1)))
        if first == last { last += 0.001 }
        return RotaryParameters(
            base: base, columns: columns, scaling: .yarn(factor: factor, first: first, last: last),
            magnitude: try number("attention_factor", otherwise: ratio))
    }

    func long(base: Double, columns: Int) throws(CheckpointError) -> RotaryParameters {
        let original = try original()
        guard original > 1, original <= Double(1 << 24) else {
            throw .configuration(reader.path, key: key, reason: "names an original context that is not from 2 to 16777216 tokens")
        }
        let factor = try number("factor", otherwise: Double(contextLength) / original)
        let magnitude = factor <= 1 ? 1 : (1 + log(factor) / log(original)).squareRoot()
        return RotaryParameters(
            base: base, columns: columns,
            scaling: .long(
                short: try divisors("short_factor", columns / 2), long: try divisors("long_factor", columns / 2), original: Int(original)),
            magnitude: try number("attention_factor", otherwise: magnitude))
    }

    private func divisors(_ name: String, _ count: Int) throws(CheckpointError) -> [Double] {
        var divisors: [Double] = []
        for value in object[name]?.array ?? [] { divisors.append(try reader.positive(value, "\(key).\(name)")) }
        guard divisors.count == count else {
            throw .configuration(reader.path, key: "\(key).\(name)", reason: "has \(divisors.count) numbers; \(count) are expected")
        }
        return divisors
    }
}
