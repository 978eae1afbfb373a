internal import Storage
internal import SystemPackage

/// A family of models as GGUF files describe it, and what Hugging Face calls the same things.
protocol GGUFFamily {
    var vocabularySize: Int { get }
    var contextLength: Int { get }
    /// The members of config.json, those of the tokenizer apart.
    var configuration: [(name: String, value: JSONValue)] { get }
    /// Every tensor that such a model has.
    var places: [GGUFPlace] { get }
}

/// A tensor's place in the Hugging Face model, and what the file holds there.
struct GGUFPlace {
    enum Arrangement {
        case same
        /// Query and key rows, which the file has in the order of the original Llama's rotary positions.
        case rotary(headSize: Int)
        case transposed
    }

    let name: String
    let storedName: String
    /// In the Hugging Face model.
    let shape: [Int]
    let arrangement: Arrangement

    init(_ name: String, _ storedName: String, _ shape: [Int], _ arrangement: Arrangement = .same) {
        (self.name, self.storedName, self.shape, self.arrangement) = (name, storedName, shape, arrangement)
    }

    /// In the file.
    var storedShape: [Int] {
        if case .transposed = arrangement { shape.reversed() } else { shape }
    }
}

extension GGUFMetadata {
    /// Refuses every key of the family that is not known, because it may change what the model computes.
    /// Throws `unsupported-trait`.
    func checkKeys(of family: String, known: Set<String>) throws(CheckpointError) {
        for key in keys where key.hasPrefix(family + ".") {
            guard known.contains(String(key.dropFirst(family.count + 1))) else {
                throw unsupported(key, supported: "the keys \(known.sorted().joined(separator: ", "))")
            }
        }
    }

    func unsupported(_ key: String, supported: String) -> CheckpointError {
        let value: String =
            switch self[key] {
            case .integer(let value): "\(value)"
            case .number(let value): "\(value)"
            case .boolean(let value): "\(value)"
            case .string(let value): CheckpointError.quoted(value)
            default: "given"
            }
        return .unsupportedTrait(path, key: CheckpointError.quoted(key), value: value, supported: supported)
    }
}
