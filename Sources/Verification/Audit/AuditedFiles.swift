internal import Storage
internal import SystemPackage

/// A model's files as the audit reads them: whatever keeps one from being read is noted once.
struct AuditedFiles {
    let tree: FileTree
    /// The names of those that are something else than they should be.
    private var unreadable: Set<[UInt8]> = []

    private static let pointer = Array("version https://git-lfs.github.com/spec".utf8)
    private static let largestPointer = 1024
    private static let largestDocument = 16 << 20

    /// Looks at every file of the directory: links, and pointers of Git LFS.
    init(_ tree: FileTree, _ findings: inout FindingList) {
        self.tree = tree
        if FileSystem.kind(of: tree.path) == .directory { Self.checkLinks(of: tree, &findings) }
        for name in tree.names {
            do {
                let file = try tree.file(name)
                guard file.size <= Self.largestPointer, try file.contents().starts(with: Self.pointer) else { continue }
                findings.error(.gitLFSPointer, name, "this is a Git LFS pointer, not the file itself; fetch it with `git lfs pull`.")
            } catch { findings.refusal(error, name) }
            unreadable.insert(Array(name.utf8))
        }
    }

    var names: [String] { tree.names }

    func contains(_ name: String) -> Bool { tree.contains(name) }

    /// A file of it; nil where it is not there, or was found to be something else.
    func file(_ name: String, _ findings: inout FindingList) -> InputFile? {
        guard contains(name), !unreadable.contains(Array(name.utf8)) else { return nil }
        do { return try tree.file(name) } catch {
            findings.refusal(error, name)
            return nil
        }
    }

    /// A file as a JSON document; nil likewise, and where it is none.
    func json(_ name: String, _ findings: inout FindingList) -> JSONValue? {
        guard let file = file(name, &findings) else { return nil }
        do { return try file.json(limit: Self.largestDocument) } catch {
            findings.refusal(error, name)
            return nil
        }
    }

    /// Links may lead anywhere in the directory; those of a snapshot in the hub's cache, anywhere in the cache.
    private static func checkLinks(of tree: FileTree, _ findings: inout FindingList) {
        guard let names = try? FileSystem.names(in: tree.path), var home = try? FileSystem.resolved(tree.path) else { return }
        let repository = home.removingLastComponent().removingLastComponent()
        if home.removingLastComponent().lastComponent?.string == "snapshots", repository.lastComponent?.string.hasPrefix("models--") == true
        {
            home = repository.removingLastComponent()
        }
        for name in names {
            let path = tree.path.appending(name)
            if FileSystem.kind(of: path) == nil {
                findings.warning(.danglingLink, name, "the link leads nowhere.")
            } else if let target = try? FileSystem.resolved(path), !target.starts(with: home) {
                findings.warning(.escapingLink, name, "the link leads out of the directory; what it leads to is read all the same.")
            }
        }
    }
}
