internal import Storage
package import SystemPackage

/// Paths within a directory that are no part of what is signed, each with all that is beneath it.
package struct IgnoredPaths: Sendable {
    /// What model-signing leaves out where nothing is said: what belongs to git.
    private static let git = [".git", ".gitattributes", ".github", ".gitignore"]

    /// In the order of their bytes, each once.
    package let names: [String]

    /// Throws `ignored` where one is no path within a directory.
    package init(_ names: [String]) throws(SigningError) {
        for name in names where !Self.isWithin(name) { throw .ignored(name) }
        self.names = Set(names.map(ByteName.init)).map(\.text).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// What is left out of a signature where nothing else is said, and further paths.
    ///
    /// - Parameter files: what is to be signed; of a single file nothing is left out.
    package init(files: FilePath, _ further: [String]) throws(SigningError) {
        try self.init(FileSystem.kind(of: files) == .directory ? Self.git + further : further)
    }

    package func adding(_ further: [String]) throws(SigningError) -> IgnoredPaths { try IgnoredPaths(names + further) }

    /// Whether a name is relative, leads nowhere outside, and is written in the one way: `a/b`, not `/a`, `../a`, `a//b`, `./a` or `a/`.
    static func isWithin(_ name: String) -> Bool {
        name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy { part in
            !part.isEmpty && !part.elementsEqual(".".utf8) && !part.elementsEqual("..".utf8) && !part.contains(0)
        }
    }

    func contains(_ name: String) -> Bool {
        names.contains {
            name.utf8.starts(with: $0.utf8)
                && (name.utf8.count == $0.utf8.count || name.utf8.dropFirst($0.utf8.count).first == UInt8(ascii: "/"))
        }
    }
}
