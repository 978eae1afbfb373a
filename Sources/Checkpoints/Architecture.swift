internal import Storage

/// A family of decoders, as its file in Formats/Architectures describes it: which keys of config.json hold what, which
/// values of them are supported, and what its tensors are called by role. See Formats/README.md.
package struct Architecture: Sendable {
    package let modelType: String
    let description: JSONValue

    /// The families that are compiled in, by name.
    package static let all: [Architecture] = [PackageResources.gpt2_json, PackageResources.llama_json].map(Architecture.init(bytes:))

    package static func named(_ modelType: String) -> Architecture? { all.first { $0.modelType == modelType } }

    private init(bytes: [UInt8]) {
        guard let description = try? JSONValue(parsing: bytes.span), let modelType = description["model_type"]?.string else {
            preconditionFailure("a compiled-in architecture is not what its schema says")
        }
        self.modelType = modelType
        self.description = description
    }

    /// A trait's value, such as `rms` of `norm`.
    func trait(_ name: String) -> String? { description["traits"]?[name]?.string }

    /// The keys of config.json that may hold a quantity, the first that is there counts; dots descend into objects.
    func keys(for quantity: String) -> [String] { description["configuration"]?[quantity]?.array?.compactMap(\.string) ?? [] }

    func defaultValue(of quantity: String) -> JSONValue? { description["defaults"]?[quantity] }

    /// Keys of config.json and the values that are computed exactly; a key that is absent or null is always supported.
    var supportedValues: [(key: String, values: [JSONValue])] {
        description["supported"]?.object?.members.map { ($0.name, $0.value.array ?? []) } ?? []
    }

    /// What may stand before, or be missing before, every tensor's name: writers differ.
    var prefixes: [String] { description["prefixes"]?.array?.compactMap(\.string) ?? [""] }

    func tensor(_ role: String) -> JSONValue? { description["tensors"]?[role] }
    func layerTensor(_ role: String) -> JSONValue? { description["layer"]?[role] }
}
