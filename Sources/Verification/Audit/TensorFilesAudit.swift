internal import Checkpoints
internal import Storage
internal import SystemPackage

/// The files that hold tensors, each by itself and side by side.
struct TensorFilesAudit {
    /// The file that the checkpoint is opened by: its index, or the one file.
    let name: String
    /// The tensors of all its files; nil where one of them could not be read.
    let checkpoint: Checkpoint?

    init(_ files: AuditedFiles, _ findings: inout FindingList) {
        let containers = [("model.safetensors", "safetensors"), ("pytorch_model.bin", "bin")]
        let (single, ending) =
            containers.first { files.contains($0.0) || files.contains($0.0 + ".index.json") } ?? containers[0]
        let indexName = single + ".index.json"
        let index = Self.index(indexName, ending, files, &findings)
        let hasIndex = files.contains(indexName)
        name = hasIndex ? indexName : single
        if hasIndex && files.contains(single) {
            findings.error(
                .ambiguousCheckpoint, single, "the directory holds both this file and an index of shards; which is the model? Remove one.")
        } else if !hasIndex && !files.contains(single) {
            let isSharded = files.names.contains { $0.hasSuffix(".safetensors") && ShardNumber($0) != nil }
            let missing = isSharded ? indexName : single
            findings.error(
                .missingFile, missing,
                isSharded ? "there are shards, but no index that says which tensor is in which." : "there is no file of tensors.")
        }

        let members = index?.shards ?? (hasIndex || !files.contains(single) ? [] : [single])
        var shards: [Checkpoint.Shard] = []
        for member in members {
            guard files.contains(member) else {
                findings.error(.missingShard, indexName, item: member, "the index names this shard, which is not there.")
                continue
            }
            if let file = files.file(member, &findings), let shard = findings.shard(file, member) { shards.append(shard) }
        }
        let isWhole = shards.count == members.count && !shards.isEmpty
        findings.compare(shards, with: index, indexName, isWhole: isWhole)
        checkpoint = isWhole ? Checkpoint(files.tree, shards: shards) : nil
        for name in files.names where FileTree.holdsTensors(name) && !name.hasSuffix(".index.json") && !(members + [single]).contains(name)
        {
            guard name.lowercased().hasSuffix(".safetensors") else {
                findings.warning(
                    .otherContainer, name,
                    "this may hold weights too; an edit does not reach them, and other programs may read them instead.")
                continue
            }
            if let file = files.file(name, &findings) { _ = findings.shard(file, name) }
            // Without members nobody can say which of the others should be.
            guard let member = members.first else { continue }
            if hasIndex, let number = ShardNumber(name), let count = ShardNumber(member)?.count, number.count != count {
                findings.error(.shardCount, name, "this shard is one of \(number.count), those of the index are of \(count).")
            } else {
                findings.warning(.strayFile, name, "nothing names this file; it is no part of the model, and no tensor is read from it.")
            }
        }
    }

    private static func index(_ name: String, _ ending: String, _ files: AuditedFiles, _ findings: inout FindingList) -> ShardIndex? {
        guard let file = files.file(name, &findings) else { return nil }
        do { return try ShardIndex(file, shardExtension: ending) } catch {
            findings.refusal(error, name)
            return nil
        }
    }
}

/// What a shard's name says: `model-00002-of-00005.safetensors`.
private struct ShardNumber {
    let count: Int

    init?(_ name: String) {
        guard name.hasSuffix(".safetensors") || name.hasSuffix(".bin") else { return nil }
        let parts = (name.split(separator: ".").first ?? "").split(separator: "-")
        guard parts.count > 2, parts[parts.count - 2] == "of", Int(parts[parts.count - 3]) != nil, let count = Int(parts[parts.count - 1])
        else { return nil }
        self.count = count
    }
}

extension FindingList {
    /// Reads one file's description of its tensors; notes all that is wrong with it, and then gives nil.
    mutating func shard(_ file: InputFile, _ name: String) -> Checkpoint.Shard? {
        do {
            let shard = try Checkpoint.Shard(file)
            for oddity in shard.safetensors?.warnings ?? [] { warning(oddity, name) }
            return shard
        } catch {
            let defects = name.lowercased().hasSuffix(".safetensors") ? SafetensorsHeader.defects(of: file) : []
            for defect in defects.isEmpty ? [error] : defects { refusal(defect, name) }
            return nil
        }
    }
}
