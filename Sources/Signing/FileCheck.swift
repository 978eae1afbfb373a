internal import Checkpoints
internal import Storage
package import SystemPackage
internal import Tensors

extension SignedFiles {
    /// All that is not as a statement says, in the order of the files; empty where everything is. Throws `otherKind`, and
    /// what reading throws.
    ///
    /// - Parameters:
    ///   - bundle: what messages call the statement.
    ///   - allowingUnsigned: whether there may be files of which the statement does not know.
    ///   - progress: gets the bytes that have been read, and all.
    package func mismatches(
        with statement: Statement, of bundle: FilePath, allowingUnsigned: Bool = false,
        progress: @escaping @Sendable (Int, Int) -> Void = { _, _ in }
    ) throws -> [Mismatch] {
        guard statement.isOfSingleFile != isDirectory else {
            throw SigningError.otherKind(bundle, of: path, isDirectory: isDirectory)
        }
        var unsigned: [ByteName: Entry] = [:]
        for entry in entries { unsigned[ByteName(entry.name)] = entry }
        let pairs = statement.resources.map { ($0, unsigned.removeValue(forKey: ByteName($0.name))) }
        let meter = ByteMeter(of: pairs.reduce(0) { $0 + ($1.1?.size ?? 0) }, progress)
        let shown = try name
        let found = RowParallel.map(pairs.count) { index in
            let (resource, entry) = pairs[index]
            let name = isDirectory ? resource.name : shown
            guard let entry else { return Result<_, any Error>.success([Mismatch(kind: .fileMissing, file: name)]) }
            return Result { try entry.mismatches(with: resource, called: name, allowingLinks: statement.allowsLinks, meter) }
        }
        let extra = allowingUnsigned ? [] : entries.filter { unsigned[ByteName($0.name)] != nil }
        return try found.flatMap { try $0.get() } + extra.map { Mismatch(kind: .fileUnsigned, file: $0.name) }
    }
}

extension SignedFiles.Entry {
    fileprivate func mismatches(
        with resource: Statement.Resource, called name: String, allowingLinks: Bool, _ meter: ByteMeter
    ) throws -> [Mismatch] {
        guard kind != .other else { return [Mismatch(kind: .fileUnreadable, file: name, reason: "it is no file")] }
        guard kind == .file || allowingLinks else { return [Mismatch(kind: .fileLinked, file: name)] }
        let file = try InputFile(path)
        let digest = try file.sha256(meter)
        guard digest != resource.digest else { return [] }
        guard let tensors = resource.tensors else {
            return [Mismatch(kind: .fileChanged, file: name, expected: resource.digest, found: digest)]
        }
        let digests: ShardDigests
        do { digests = try ShardDigests(of: Checkpoint.Shard(file)) } catch let error as CheckpointError {
            return [Mismatch(kind: .fileUnreadable, file: name, reason: error.description)]
        }
        var left: [ByteName: SHA256Digest] = [:]
        for (tensor, leaf) in digests.leaves { left[ByteName(tensor)] = leaf }
        var found = tensors.compactMap { tensor, leaf -> Mismatch? in
            guard let now = left.removeValue(forKey: ByteName(tensor)) else {
                return Mismatch(kind: .tensorMissing, file: name, tensor: tensor)
            }
            return now == leaf ? nil : Mismatch(kind: .tensorChanged, file: name, tensor: tensor, expected: leaf, found: now)
        }
        found += digests.leaves.filter { left[ByteName($0.name)] != nil }.map {
            Mismatch(kind: .tensorUnsigned, file: name, tensor: $0.name)
        }
        return found.isEmpty ? [Mismatch(kind: .headerChanged, file: name, expected: resource.digest, found: digest)] : found
    }
}
