internal import Storage
internal import SystemPackage

/// How a GGUF file stretches rotary positions: what config.json calls `rope_scaling`.
///
/// Linear and YaRN scaling are carried over key by key. Every other kind, and every factor that config.json has no exact
/// word for, is refused. (Llama 3.1's kind is not in the metadata but in the tensor `rope_freqs.weight`, which is refused as a
/// tensor without a place.)
enum GGUFRotaryScaling {
    static let knownKeys: Set<String> = [
        "rope.scale_linear", "rope.scaling.type", "rope.scaling.factor", "rope.scaling.original_context_length", "rope.scaling.finetuned",
        "rope.scaling.yarn_beta_fast", "rope.scaling.yarn_beta_slow",
    ]

    /// Null where positions are not scaled. Throws `gguf-key` or `unsupported-trait`.
    static func configuration(_ metadata: GGUFMetadata) throws(CheckpointError) -> JSONValue {
        let key = "llama.rope.scaling."
        let factor = try metadata.number(key + "factor")
        let kind: String
        if let named = try metadata.string(key + "type") {
            kind = named
        } else {
            // The older form, before there were kinds.
            let linear = try metadata.number("llama.rope.scale_linear") ?? 1
            return linear == 1 && factor ?? 1 == 1 ? .null : members("linear", factor ?? linear)
        }
        switch kind {
        case "none": return .null
        case "linear":
            guard let factor else { throw metadata.wrongKind(key + "factor", "a number") }
            return members(kind, factor)
        case "yarn":
            guard let factor else { throw metadata.wrongKind(key + "factor", "a number") }
            var more: [(name: String, value: JSONValue)] = []
            if let length = try metadata.integer(key + "original_context_length") {
                more.append(("original_max_position_embeddings", .integer(length)))
            }
            if let fast = try metadata.number(key + "yarn_beta_fast") { more.append(("beta_fast", .number(fast))) }
            if let slow = try metadata.number(key + "yarn_beta_slow") { more.append(("beta_slow", .number(slow))) }
            return members(kind, factor, more)
        default: throw metadata.unsupported(key + "type", supported: "none, linear, yarn")
        }
    }

    private static func members(_ kind: String, _ factor: Double, _ more: [(name: String, value: JSONValue)] = []) -> JSONValue {
        .object(JSONObject(members: [("rope_type", .string(kind)), ("factor", .number(factor))] + more))
    }
}
