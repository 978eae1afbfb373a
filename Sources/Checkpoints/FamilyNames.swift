internal import Storage

/// What a family's names say of a tensor that no role asks for.
package struct FamilyNames: Sendable {
    private let prefixes: [String]
    private let head: String?
    /// What stands before a layer's number.
    private let layerStarts: Set<String>
    /// What stands before and behind it in the names of buffers.
    private let buffers: [(start: String, end: String)]

    package init(_ family: Architecture) {
        func parts(_ pattern: String) -> (start: String, end: String)? {
            let parts = pattern.split(separator: "{layer}", omittingEmptySubsequences: false)
            return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
        }
        prefixes = family.prefixes
        head = family.tensor("head")?.string
        let roles = family.description["layer"]?.object?.members ?? []
        layerStarts = Set(roles.compactMap { parts($0.value["name"]?.string ?? "")?.start })
        buffers = (family.description["ignored"]?.array ?? []).compactMap { parts($0.string ?? "") }
    }

    /// Whether it is the head's.
    package func isHead(_ name: String) -> Bool { prefixes.contains { $0 + name == head } }

    /// Whether it is a buffer that older files of the family store, and that is computed rather than read.
    package func isBuffer(_ name: String) -> Bool {
        guard let layer = layer(of: name) else { return false }
        return prefixes.contains { prefix in buffers.contains { prefix + name == "\($0.start)\(layer)\($0.end)" } }
    }

    /// The number of the layer that a tensor belongs to by its name; nil where it belongs to none.
    package func layer(of name: String) -> Int? {
        for prefix in prefixes {
            let whole = prefix + name
            for start in layerStarts where whole.hasPrefix(start) {
                let digits = whole.dropFirst(start.count).prefix { $0 != "." }
                if let layer = Int(digits), layer >= 0, String(layer) == digits { return layer }
            }
        }
        return nil
    }
}
