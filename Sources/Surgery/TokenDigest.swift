package import Storage
package import Transformer

/// What tells one lot of examples from another.
package enum TokenDigest {
    /// The SHA-256 of some sets of examples: of every count, input and target, eight bytes each.
    package static func of(_ sets: [[Example]]) -> SHA256Digest {
        var bytes: [UInt8] = []
        func add(_ number: Int) { for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: number >> shift)) } }
        for set in sets {
            add(set.count)
            for example in set {
                add(example.windows.count)
                for window in example.windows {
                    add(window.inputs.count)
                    for token in window.inputs + window.targets { add(Int(token)) }
                }
            }
        }
        return SHA256Hasher.digest(of: bytes)
    }
}
