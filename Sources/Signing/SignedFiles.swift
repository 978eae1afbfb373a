internal import Checkpoints
internal import Storage
package import SystemPackage
internal import Tensors

/// The files that a signature is over: those of a directory, at any depth, or a single one.
package struct SignedFiles: Sendable {
    struct Entry: Sendable {
        enum Kind { case file, link, other }

        /// Relative to the directory; of a single file, `.`.
        let name: String
        let path: FilePath
        /// A link counts as one only where it leads to a file.
        let kind: Kind
        let size: Int
    }

    package let path: FilePath
    package let isDirectory: Bool
    private let ignored: IgnoredPaths
    /// In the order of their names' components, as model-signing has them.
    let entries: [Entry]

    package var bytes: Int { entries.reduce(0) { $0 + $1.size } }

    /// Lists a directory, or takes a file. What is at `path` itself may be a link. Throws `missing`, `notAFile` or `unsignable`.
    package init(_ path: FilePath, ignoring ignored: IgnoredPaths) throws {
        guard let kind = FileSystem.kind(of: path) else { throw StorageError.missing(path) }
        (self.path, self.ignored, isDirectory) = (path, ignored, kind == .directory)
        guard isDirectory else {
            entries = [Entry(name: Statement.singleFile, path: path, kind: .file, size: try InputFile(path).size)]
            return
        }
        var entries: [Entry] = []
        try Self.visit(path, "", depth: 0, of: path, ignored, &entries)
        self.entries = entries.map { ($0, $0.name.split(separator: "/").map { Array($0.utf8) }) }
            .sorted { $0.1.lexicographicallyPrecedes($1.1) { $0.lexicographicallyPrecedes($1) } }.map(\.0)
    }

    private static func visit(
        _ directory: FilePath, _ prefix: String, depth: Int, of top: FilePath, _ ignored: IgnoredPaths, _ entries: inout [Entry]
    ) throws {
        guard depth < 64 else {
            throw SigningError.unsignable(top, item: CheckpointError.quoted(prefix), reason: "is more than 64 directories deep")
        }
        for component in try FileSystem.names(in: directory) {
            let (path, name) = (directory.appending(component), prefix + component)
            guard !ignored.contains(name) else { continue }
            let own = try status(path)
            if own?.type == .directory {
                try visit(path, name + "/", depth: depth + 1, of: top, ignored, &entries)
            } else {
                let isLink = own?.type == .symbolicLink
                let isFile = FileSystem.kind(of: path) == .file
                let size = isFile ? (try? Stat(path)).map { Int($0.size) } ?? 0 : 0
                entries.append(Entry(name: name, path: path, kind: !isFile ? .other : isLink ? .link : .file, size: size))
            }
        }
    }

    private static func status(_ path: FilePath) throws -> Stat? {
        do { return try Stat(path, followTargetSymlink: false) } catch { throw StorageError.unreadable(path, error) }
    }

    /// The name by which a signature knows them: the last part of the path.
    package var name: String {
        get throws {
            if let last = path.lastComponent, last.kind == .regular { return last.string }
            return try FileSystem.resolved(path).lastComponent?.string ?? ""
        }
    }

    /// A file's path within a directory; nil where it lies elsewhere. The file need not be there, but what it would lie in; throws
    /// `cannotCreate` otherwise.
    package static func place(of file: FilePath, in directory: FilePath) throws -> String? {
        let parent = file.removingLastComponent().isEmpty ? FilePath(".") : file.removingLastComponent()
        guard FileSystem.kind(of: parent) == .directory, let last = file.lastComponent else {
            throw StorageError.cannotCreate(file, .noSuchFileOrDirectory)
        }
        guard FileSystem.kind(of: directory) == .directory else { return nil }
        var place = try FileSystem.resolved(parent).appending(last)
        return place.removePrefix(try FileSystem.resolved(directory)) ? place.string : nil
    }

    /// Reads every file. Throws `unsignable` for what is no file, and for a link where none is allowed, and what is wrong with
    /// a safetensors file.
    ///
    /// - Parameter progress: gets the bytes that have been read, and all.
    package func statement(allowingLinks: Bool, progress: @escaping @Sendable (Int, Int) -> Void = { _, _ in }) throws -> Statement {
        guard !entries.isEmpty else { throw SigningError.unsignable(path, item: "it", reason: "has no file") }
        for entry in entries {
            switch entry.kind {
            case .file: continue
            case .link where allowingLinks: continue
            case .link:
                throw SigningError.unsignable(
                    path, item: CheckpointError.quoted(entry.name),
                    reason: "is a symbolic link. Give --allow-symlinks to sign what it leads to")
            case .other:
                throw SigningError.unsignable(path, item: CheckpointError.quoted(entry.name), reason: "is neither a file nor a directory")
            }
        }
        let meter = ByteMeter(of: bytes, progress)
        let resources = RowParallel.map(entries.count) { index in Result { try entries[index].resource(meter) } }
        return Statement(
            name: try name, allowsLinks: allowingLinks, ignored: ignored, resources: try resources.map { try $0.get() })
    }
}

extension SignedFiles.Entry {
    /// Whether its tensors can be told apart.
    var isSafetensors: Bool { path.extension == "safetensors" }

    fileprivate func resource(_ meter: ByteMeter) throws -> Statement.Resource {
        let file = try InputFile(path)
        guard isSafetensors else { return Statement.Resource(name: name, digest: try file.sha256(meter), tensors: nil) }
        let digests = try ShardDigests(of: Checkpoint.Shard(file), passed: { meter.add($0) })
        return Statement.Resource(name: name, digest: digests.file, tensors: digests.leaves)
    }
}
