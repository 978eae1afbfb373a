internal import Storage
internal import SystemPackage

/// Quantities of config.json under whichever key the family's writers use.
struct ConfigurationReader {
    let document: JSONValue
    let architecture: Architecture
    let path: FilePath

    func value(_ quantity: String) -> (key: String, value: JSONValue)? {
        let keys = architecture.keys(for: quantity)
        for key in keys {
            if let value = document.value(at: key), !value.isNull { return (key, value) }
        }
        return architecture.defaultValue(of: quantity).flatMap { $0.isNull ? nil : (keys.first ?? quantity, $0) }
    }

    func size(_ quantity: String, otherwise: Int? = nil, from least: Int = 1, atMost limit: Int = 1 << 24) throws(CheckpointError) -> Int {
        guard let (key, value) = value(quantity) else {
            if let otherwise { return otherwise }
            throw .configuration(path, key: architecture.keys(for: quantity).first ?? quantity, reason: "is missing")
        }
        guard let size = value.integer, size >= least, size <= limit else {
            throw .configuration(
                path, key: key, reason: "is \(value.serialized(pretty: false)); a whole number from \(least) to \(limit) is expected")
        }
        return size
    }

    func number(_ quantity: String) throws(CheckpointError) -> Double {
        guard let number = try optionalNumber(quantity) else { throw .configuration(path, key: quantity, reason: "is missing") }
        return number
    }

    /// Whether config.json says that there is no such quantity: a key is there, and null, and no other has a value.
    func isNull(_ quantity: String) -> Bool {
        let values = architecture.keys(for: quantity).compactMap(document.value(at:))
        return !values.isEmpty && values.allSatisfy(\.isNull)
    }

    /// Nil where no key is there and the family has no default, or where a key says null.
    func optionalNumber(_ quantity: String) throws(CheckpointError) -> Double? {
        guard !isNull(quantity), let (key, value) = value(quantity) else { return nil }
        return try positive(value, key)
    }

    func positive(_ value: JSONValue?, _ key: String) throws(CheckpointError) -> Double {
        guard let value, !value.isNull else { throw .configuration(path, key: key, reason: "is missing") }
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

    /// Refuses a value that would not be computed exactly.
    func checkSupported() throws(CheckpointError) {
        for (key, values) in architecture.supportedValues {
            guard let value = document.value(at: key), !value.isNull else { continue }
            guard values.contains(where: { $0.isEqual(to: value) }) else { throw unsupported(key, value, values) }
        }
    }

    func unsupported(_ key: String, _ value: JSONValue, _ supported: [JSONValue]) -> CheckpointError {
        .unsupportedTrait(
            path, key: key, value: value.serialized(pretty: false),
            supported: supported.map { $0.serialized(pretty: false) }.joined(separator: ", "))
    }
}
