internal import Storage

/// What a family's names say of a tensor that no role asks for.
extension Architecture {
    /// Whether it is the head's.
    package func isHead(_ name: String) -> Bool {
        tensor("head")?.string.map { known in prefixes.contains { known == $0 + name } } ?? false
    }

    /// Whether it is a buffer that older files of the family store, and that is computed rather than read.
    package func isBuffer(_ name: String) -> Bool {
        guard let layer = layer(of: name) else { return false }
        let patterns = description["ignored"]?.array?.compactMap(\.string) ?? []
        return patterns.contains { pattern in
            let known = pattern.split(separator: "{layer}", omittingEmptySubsequences: false).joined(separator: "\(layer)")
            return prefixes.contains { known == $0 + name }
        }
    }

    /// The number of the layer that a tensor belongs to by its name; nil where it belongs to none.
    package func layer(of name: String) -> Int? {
        for start in layerStarts {
            for prefix in prefixes where (prefix + name).hasPrefix(start) {
                let digits = (prefix + name).dropFirst(start.count).prefix { $0 != "." }
                if let layer = Int(digits), layer >= 0, String(layer) == digits { return layer }
            }
        }
        return nil
    }

    /// What stands before a layer's number.
    private var layerStarts: Set<String> {
        let descriptions = description["layer"]?.object?.members ?? []
        return Set(
            descriptions.compactMap { role in
                let parts = (role.value["name"]?.string ?? "").split(separator: "{layer}", omittingEmptySubsequences: false)
                return parts.count == 2 ? String(parts[0]) : nil
            })
    }
}
