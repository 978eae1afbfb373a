package import Storage
package import SystemPackage
internal import Tensors

/// The tensors of a checkpoint, by name: one safetensors file, or shards with their index.
package struct Checkpoint: Sendable {
    /// One file of it.
    package struct Shard: Sendable {
        package let file: InputFile
        package let header: SafetensorsHeader
    }

    /// The directory it lies in; of a single file, the file itself.
    package let path: FilePath
    /// The index, where there is one.
    package let indexPath: FilePath?
    package let shards: [Shard]
    private let places: [[UInt8]: (shard: Int, tensor: Int)]

    /// Opens MODEL: a directory with model.safetensors or model.safetensors.index.json, or one .safetensors file.
    package init(_ path: FilePath) throws(CheckpointError) {
        self.path = path
        var files: [FilePath]
        var assignments: [(tensor: String, shard: String)] = []
        var indexPath: FilePath?
        if FileSystem.kind(of: path) != .directory {
            files = [path]
        } else {
            let single = path.appending("model.safetensors")
            let index = path.appending("model.safetensors.index.json")
            switch (FileSystem.kind(of: single) != nil, FileSystem.kind(of: index) != nil) {
            case (true, true):
                throw .index(path, kind: "ambiguous-checkpoint", reason: "holds both model.safetensors and an index of shards; remove one")
            case (false, false):
                throw .storage(.missing(single))
            case (true, false):
                files = [single]
            case (false, true):
                indexPath = index
                assignments = try Self.weightMap(index)
                var seen: Set<String> = []
                files = assignments.map(\.shard).filter { seen.insert($0).inserted }.sorted().map { path.appending($0) }
            }
        }
        var shards: [Shard] = []
        var places: [[UInt8]: (shard: Int, tensor: Int)] = [:]
        for path in files {
            let file: InputFile
            do { file = try InputFile(path) } catch {
                if let indexPath, case .missing = error {
                    throw .index(
                        indexPath, kind: "missing-shard", reason: "names the shard \(path.lastComponent?.string ?? ""), which is not there")
                }
                throw .storage(error)
            }
            let header = try SafetensorsHeader(of: file)
            for (index, tensor) in header.tensors.enumerated() {
                guard places.updateValue((shards.count, index), forKey: Array(tensor.name.utf8)) == nil else {
                    throw .tensor(path, name: tensor.name, kind: "duplicate-name", reason: "an earlier shard holds it too")
                }
            }
            shards.append(Shard(file: file, header: header))
        }
        for (tensor, shard) in assignments {
            guard let place = places[Array(tensor.utf8)], shards[place.shard].file.path.lastComponent?.string == shard else {
                throw .index(
                    indexPath ?? path, kind: "index-mismatch",
                    reason: "says that \(CheckpointError.quoted(tensor)) is in \(CheckpointError.quoted(shard)), but it is not")
            }
        }
        self.indexPath = indexPath
        self.shards = shards
        self.places = places
    }

    /// Every tensor, shard by shard, in the order of its bytes.
    package var tensors: [StoredTensor] { shards.flatMap(\.header.tensors) }

    package func tensor(named name: String) -> StoredTensor? {
        places[Array(name.utf8)].map { shards[$0.shard].header.tensors[$0.tensor] }
    }

    /// The file that holds a tensor.
    package func file(holding name: String) -> InputFile? { places[Array(name.utf8)].map { shards[$0.shard].file } }

    /// The index's tensors and shards, where every shard is a plain file name.
    private static func weightMap(_ path: FilePath) throws(CheckpointError) -> [(tensor: String, shard: String)] {
        let document: JSONValue
        do { document = try InputFile.json(path, limit: 64 << 20) } catch { throw .storage(error) }
        guard let map = document["weight_map"]?.object, !map.members.isEmpty else {
            throw .index(path, kind: "weight-map", reason: "has no weight_map")
        }
        var result: [(tensor: String, shard: String)] = []
        for (name, value) in map.members {
            guard let shard = value.string else {
                throw .index(path, kind: "weight-map", reason: "maps \(CheckpointError.quoted(name)) to something that is no file name")
            }
            let isPlain = !shard.isEmpty && !shard.utf8.contains { $0 == 0x2F || $0 == 0x5C || $0 == 0x3A || $0 < 0x20 } && shard != ".."
            guard isPlain, shard.hasSuffix(".safetensors") else {
                throw .index(
                    path, kind: "shard-name",
                    reason: "names the shard \(CheckpointError.quoted(shard)); only plain .safetensors file names are allowed")
            }
            result.append((name, shard))
        }
        return result
    }
}
