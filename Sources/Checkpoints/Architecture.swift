package import Storage

/// A family of decoders, as its file in Formats/Architectures describes it: which keys of config.json hold what, which
/// values of them are supported, and what its tensors are called by role. See Formats/Architectures/README.md.
package struct Architecture: Sendable {
    package let modelType: String
    /// The whole description, with what it took from the family that it extends.
    package let description: JSONValue

    /// The families that are compiled in.
    package static let all: [Architecture] = {
        let descriptions = files.map { bytes -> JSONValue in
            guard let description = try? JSONValue(parsing: bytes.span) else { preconditionFailure("an architecture is no JSON") }
            return description
        }
        return descriptions.map { Architecture(completed($0, from: descriptions)) }
    }()

    package static func named(_ modelType: String) -> Architecture? { all.first { $0.modelType == modelType } }

    private init(_ description: JSONValue) {
        guard let modelType = description["model_type"]?.string else { preconditionFailure("an architecture has no model_type") }
        self.modelType = modelType
        self.description = description
    }

    /// A description with what it leaves to the family that it extends.
    private static func completed(_ description: JSONValue, from all: [JSONValue]) -> JSONValue {
        guard let base = description["extends"]?.string else { return description }
        guard let found = all.first(where: { $0["model_type"]?.string == base }) else { preconditionFailure("no family \(base) to extend") }
        return completed(found, from: all).replacing(with: description)
    }

    /// The family as a model's config.json selects it: with what the variants that apply replace.
    func variant(for document: JSONValue) -> Architecture {
        let variants = description["variants"]?.array ?? []
        let applying = variants.filter { variant in
            (variant["when"]?.object?.members ?? []).allSatisfy { (document.value(at: $0.name) ?? .null).isEqual(to: $0.value) }
        }
        return Architecture(applying.reduce(description) { $0.replacing(with: $1) })
    }

    /// A trait's value, such as `rms` of `norm`.
    func trait(_ name: String) -> String? { description["traits"]?[name]?.string }

    /// The keys of config.json that may hold a quantity, the first that is there counts; dots descend into objects.
    func keys(for quantity: String) -> [String] { description["configuration"]?[quantity]?.array?.compactMap(\.string) ?? [] }

    func defaultValue(of quantity: String) -> JSONValue? { description["defaults"]?[quantity] }

    /// Keys of config.json and the values that are computed exactly; a key that is absent or null is always supported.
    var supportedValues: [(key: String, values: [JSONValue])] {
        (description["supported"]?.object?.members ?? []).compactMap { member in member.value.array.map { (member.name, $0) } }
    }

    /// The common name of what the family's writers may call otherwise: an activation function, a rotary scaling.
    func commonName(of name: String) -> String { description["aliases"]?[name]?.string ?? name }

    /// Which layers have a trait, such as `windowed`.
    func layerRule(_ name: String) -> JSONValue? { description["layers"]?[name] }

    /// What may stand before, or be missing before, every tensor's name: writers differ.
    var prefixes: [String] { description["prefixes"]?.array?.compactMap(\.string) ?? [""] }

    func tensor(_ role: String) -> JSONValue? { part(role, of: "tensors") }
    func layerTensor(_ role: String) -> JSONValue? { part(role, of: "layer") }

    /// Nil where the family, or the variant, has no such part.
    private func part(_ role: String, of group: String) -> JSONValue? {
        guard let part = description[group]?[role], !part.isNull else { return nil }
        return part
    }
}

extension JSONValue {
    /// The value that a key leads to, where dots descend into objects.
    func value(at key: String) -> JSONValue? { key.split(separator: ".").reduce(Optional(self)) { $0?[String($1)] } }

    func isEqual(to other: JSONValue) -> Bool {
        switch (self, other) {
        case (.null, .null): true
        case (.boolean(let x), .boolean(let y)): x == y
        case (.string(let x), .string(let y)): x == y
        default: if let x = number, let y = other.number { x == y } else { false }
        }
    }

    /// This object with another's members: objects in objects likewise, everything else replaced.
    fileprivate func replacing(with other: JSONValue) -> JSONValue {
        guard let mine = object, let theirs = other.object else { return other }
        var members = mine.members
        for (name, value) in theirs.members {
            if let index = members.firstIndex(where: { $0.name == name }) {
                members[index].value = members[index].value.replacing(with: value)
            } else {
                members.append((name, value))
            }
        }
        return .object(JSONObject(members: members))
    }
}
