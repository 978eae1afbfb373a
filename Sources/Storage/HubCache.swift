package import SystemPackage

/// The local cache of the Hugging Face hub: `models--owner--name/snapshots/COMMIT`, whose files are links into `blobs`.
///
/// Nothing is fetched: what is not there is missing.
package struct HubCache: Sendable {
    /// The directory that holds the repositories; nil where the environment names none.
    package let root: FilePath?

    /// Where the environment says the cache is: `HF_HUB_CACHE`, `HF_HOME/hub`, `XDG_CACHE_HOME/huggingface/hub` or
    /// `HOME/.cache/huggingface/hub`, the first that is set.
    package init(variable: (String) -> String? = Environment.value(of:)) {
        func place(_ name: String, _ below: String) -> FilePath? { variable(name).map { FilePath($0).pushing(FilePath(below)) } }
        root =
            place("HF_HUB_CACHE", "") ?? place("HF_HOME", "hub") ?? place("XDG_CACHE_HOME", "huggingface/hub")
            ?? place("HOME", ".cache/huggingface/hub")
    }

    /// Whether a text has the form of a model's name: `owner/name`, or `owner/name@revision`.
    package static func isName(_ text: String) -> Bool { parts(of: text) != nil }

    /// The snapshot of a model by its name, of the revision `main` unless one is given as `owner/name@revision`.
    ///
    /// Throws `missing` with the place that was looked at, and `hubLink` where a file of the snapshot leads out of the cache.
    package func snapshot(of name: String) throws(StorageError) -> FileTree {
        guard let root, let (owner, model, revision) = Self.parts(of: name) else { throw .missing(FilePath(name)) }
        let repository = root.appending("models--\(owner)--\(model)")
        let reference = repository.appending("refs").pushing(FilePath(revision))
        var commit = revision
        if FileSystem.kind(of: reference) == .file {
            let contents = try InputFile.contents(of: reference, limit: 256)
            commit = String(decoding: contents.filter { $0 > 0x20 }, as: UTF8.self)
        }
        guard Self.isPlain(commit), FileSystem.kind(of: repository.appending("snapshots").appending(commit)) == .directory else {
            throw .missing(repository.appending("snapshots").appending(Self.isPlain(commit) ? commit : revision))
        }
        let files = try FileTree(directory: repository.appending("snapshots").appending(commit))
        let cache = try FileSystem.resolved(root)
        for name in files.names {
            let path = files.path.appending(name)
            guard try FileSystem.resolved(path).starts(with: cache) else { throw .escapingLink(path) }
        }
        return files
    }

    private static func parts(of text: String) -> (owner: String, model: String, revision: String)? {
        let halves = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let names = halves[0].split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let revision = halves.count == 2 ? halves[1] : "main"
        guard names.count == 2, names.allSatisfy(isPlain), !names.contains(where: { $0.contains("--") }) else { return nil }
        guard !revision.isEmpty, revision.split(separator: "/", omittingEmptySubsequences: false).allSatisfy({ isPlain(String($0)) })
        else { return nil }
        return (names[0], names[1], revision)
    }

    /// The hub's own rule for names: letters, digits, `-`, `_` and `.`, and no `..`.
    private static func isPlain(_ name: String) -> Bool {
        let letters = name.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2D || $0 == 0x2E || $0 == 0x5F
        }
        return letters && !name.isEmpty && name.utf8.count <= 96 && !name.contains("..") && name != "."
    }
}
