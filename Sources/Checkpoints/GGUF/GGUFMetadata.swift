internal import SystemPackage

/// A GGUF file's metadata by key. A key that is there with a value of the wrong kind is an error, never passed over.
package struct GGUFMetadata: Sendable {
    let path: FilePath
    /// The keys in the order of the file.
    package let keys: [String]
    private let values: [[UInt8]: GGUFValue]

    /// Throws `gguf-duplicate-key`.
    init(_ pairs: [(key: String, value: GGUFValue)], path: FilePath) throws(CheckpointError) {
        var values: [[UInt8]: GGUFValue] = [:]
        for (key, value) in pairs {
            guard values.updateValue(value, forKey: Array(key.utf8)) == nil else {
                throw .gguf(path, kind: "gguf-duplicate-key", reason: "the key \(CheckpointError.quoted(key)) occurs twice")
            }
        }
        (self.values, self.path) = (values, path)
        keys = pairs.map(\.key)
    }

    package subscript(key: String) -> GGUFValue? { values[Array(key.utf8)] }

    func integer(_ key: String) throws(CheckpointError) -> Int? {
        guard let value = self[key] else { return nil }
        guard case .integer(let integer) = value else { throw wrongKind(key, "an integer") }
        return integer
    }

    /// A number that is finite; an integer serves too. One that was rounded to F32 is the shortest decimal that rounds to it:
    /// 1e-05, which the writer meant, rather than 9.999999747378752e-06.
    func number(_ key: String) throws(CheckpointError) -> Double? {
        switch self[key] {
        case nil: return nil
        case .integer(let integer): return Double(integer)
        case .number(let number) where number.isFinite:
            let rounded = Float(number)
            return Double(rounded) == number ? Double(rounded.description) : number
        default: throw wrongKind(key, "a finite number")
        }
    }

    func boolean(_ key: String) throws(CheckpointError) -> Bool? {
        guard let value = self[key] else { return nil }
        guard case .boolean(let boolean) = value else { throw wrongKind(key, "a boolean") }
        return boolean
    }

    func string(_ key: String) throws(CheckpointError) -> String? {
        guard let value = self[key] else { return nil }
        guard case .string(let string) = value else { throw wrongKind(key, "a string") }
        return string
    }

    func strings(_ key: String) throws(CheckpointError) -> [String]? {
        guard let value = self[key] else { return nil }
        guard case .strings(let strings) = value else { throw wrongKind(key, "an array of strings") }
        return strings
    }

    func integers(_ key: String) throws(CheckpointError) -> [Int]? {
        guard let value = self[key] else { return nil }
        guard case .integers(let integers) = value else { throw wrongKind(key, "an array of integers") }
        return integers
    }

    func numbers(_ key: String) throws(CheckpointError) -> [Double]? {
        guard let value = self[key] else { return nil }
        guard case .numbers(let numbers) = value else { throw wrongKind(key, "an array of floats") }
        return numbers
    }

    /// A size that must be there. Throws `gguf-key` where it is missing or not from 1 to 2^24.
    func size(_ key: String) throws(CheckpointError) -> Int {
        guard let size = try integer(key), (1...1 << 24).contains(size) else { throw wrongKind(key, "a size from 1 to \(1 << 24)") }
        return size
    }

    func wrongKind(_ key: String, _ expected: String) -> CheckpointError {
        let state = self[key] == nil ? "is missing" : "has another value"
        return .gguf(path, kind: "gguf-key", reason: "\(CheckpointError.quoted(key)) \(state); \(expected) is expected")
    }
}
