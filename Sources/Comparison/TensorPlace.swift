/// Where a tensor stands in a model, by its name alone, whatever the family: the layer is the first part that is a number, the
/// kind of module what follows it (`self_attn.q_proj.weight`); without a number the kind is the whole name.
package struct TensorPlace: Sendable, Equatable {
    package let layer: Int?
    package let kind: String

    package init(_ name: String) {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard let index = parts.firstIndex(where: { Self.isNumber($0) }), let layer = Int(parts[index]), index + 1 < parts.count else {
            (self.layer, kind) = (nil, name)
            return
        }
        self.layer = layer
        // Further numbers count experts and the like: one kind.
        kind = parts[(index + 1)...].map { Self.isNumber($0) ? "*" : String($0) }.joined(separator: ".")
    }

    private static func isNumber(_ part: Substring) -> Bool {
        (1...9).contains(part.utf8.count) && part.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
}
