internal import ArgumentParser

/// NAME=FILE, the name one that a gate can say and that no other member of a report has.
struct NamedFile: ExpressibleByArgument {
    let name: String
    let path: String

    init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2, !["forget", "retain", "keep", "holdout"].contains(parts[0]), Self.isName(parts[0]) else { return nil }
        (name, path) = (parts[0], parts[1])
    }

    /// Whether a gate's path can have it: letters, digits and `_`.
    static func isName(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { Character(UnicodeScalar($0)).isLetter || Character(UnicodeScalar($0)).isNumber || $0 == 0x5F }
    }
}
