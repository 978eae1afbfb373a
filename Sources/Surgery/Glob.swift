/// A pattern for names: `*` stands for any run of characters, `?` for any one, everything else for itself.
package struct Glob: Sendable, CustomStringConvertible {
    package let description: String
    private let pattern: [UInt8]

    package init(_ pattern: String) {
        description = pattern
        self.pattern = Array(pattern.utf8)
    }

    /// In time proportional to pattern and name together, but for the last `*`, which is tried at each place.
    package func matches(_ name: String) -> Bool {
        let name = Array(name.utf8)
        var (p, n) = (0, 0)
        var star: (pattern: Int, name: Int)?
        while n < name.count {
            if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
                star = (p + 1, n)
                p += 1
            } else if p < pattern.count, pattern[p] == UInt8(ascii: "?") || pattern[p] == name[n] {
                (p, n) = (p + 1, n + 1)
            } else if let last = star {
                (p, n) = (last.pattern, last.name + 1)
                star = (last.pattern, last.name + 1)
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
