package import Storage
package import SystemPackage
internal import Tensors

/// The tensors of a checkpoint, by name: one safetensors file, or shards with their index.
package struct Checkpoint: Sendable {
    /// One file of it.
    package struct Shard: Sendable {
        package let file: InputFile
        package let header: SafetensorsHeader
        /// Its header, where it is a safetensors file.
        package var safetensors: SafetensorsHeader? { header }

        /// Its name in the model's directory.
        package var name: String { file.path.lastComponent?.string ?? "" }

        /// Its tensors in the order of their bytes.
        package var tensors: [StoredTensor] { header.tensors }
    }

    /// What messages call it.
    package let path: FilePath
    /// The files of the directory that it was found in; nil of a single file.
    package let files: FileTree?
    /// The index of its shards, where there is one.
    package let index: InputFile?
    package let shards: [Shard]
    private let places: [[UInt8]: (shard: Int, tensor: Int)]

    /// A single .safetensors file.
    package init(file: InputFile) throws(CheckpointError) {
        try self.init(path: file.path, files: nil, index: nil, assignments: [], shards: [file])
    }

    /// The model.safetensors of a model's files, or the shards that model.safetensors.index.json names.
    package init(_ files: FileTree) throws(CheckpointError) {
        let (single, index) = ("model.safetensors", "model.safetensors.index.json")
        switch (files.contains(single), files.contains(index)) {
        case (true, true):
            throw .index(
                files.path, kind: "ambiguous-checkpoint", reason: "holds both model.safetensors and an index of shards; remove one")
        case (false, false):
            throw .storage(.missing(files.path.appending(single)))
        case (true, false):
            let file: InputFile
            do { file = try files.file(single) } catch { throw .storage(error) }
            try self.init(path: files.path, files: files, index: nil, assignments: [], shards: [file])
        case (false, true):
            let file: InputFile
            do { file = try files.file(index) } catch { throw .storage(error) }
            let index = try ShardIndex(file, shardExtension: "safetensors")
            var shards: [InputFile] = []
            for name in index.shards {
                do { shards.append(try files.file(name)) } catch {
                    guard case .missing = error else { throw .storage(error) }
                    throw .index(file.path, kind: "missing-shard", reason: "names the shard \(name), which is not there")
                }
            }
            try self.init(path: files.path, files: files, index: file, assignments: index.assignments, shards: shards)
        }
    }

    private init(
        path: FilePath, files: FileTree?, index: InputFile?, assignments: [(tensor: String, shard: String)], shards opened: [InputFile]
    ) throws(CheckpointError) {
        var shards: [Shard] = []
        var places: [[UInt8]: (shard: Int, tensor: Int)] = [:]
        for file in opened {
            let header = try SafetensorsHeader(of: file)
            for (index, tensor) in header.tensors.enumerated() {
                guard places.updateValue((shards.count, index), forKey: Array(tensor.name.utf8)) == nil else {
                    throw .tensor(file.path, name: tensor.name, kind: "duplicate-name", reason: "an earlier shard holds it too")
                }
            }
            shards.append(Shard(file: file, header: header))
        }
        for (tensor, shard) in assignments {
            guard let place = places[Array(tensor.utf8)], shards[place.shard].file.path.lastComponent?.string == shard else {
                throw .index(
                    index?.path ?? path, kind: "index-mismatch",
                    reason: "says that \(CheckpointError.quoted(tensor)) is in \(CheckpointError.quoted(shard)), but it is not")
            }
        }
        self.path = path
        self.files = files
        self.index = index
        self.shards = shards
        self.places = places
    }

    /// Every tensor, shard by shard, in the order of its bytes.
    package var tensors: [StoredTensor] { shards.flatMap(\.header.tensors) }

    /// `__metadata__` of its files, the first one's value where several have the name; what PyTorch's files need where there is none.
    package var metadata: [(name: String, value: String)] {
        var result: [(name: String, value: String)] = []
        for (name, value) in shards.flatMap({ $0.safetensors?.metadata ?? [] }) where !result.contains(where: { $0.name == name }) {
            result.append((name, value))
        }
        return result.isEmpty ? [("format", "pt")] : result
    }

    /// What is odd about its files and was read nevertheless.
    package var warnings: [(shard: String, warning: HeaderWarning)] {
        shards.flatMap { shard in (shard.safetensors?.warnings ?? []).map { (shard.name, $0) } }
    }

    package func tensor(named name: String) -> StoredTensor? {
        places[Array(name.utf8)].map { shards[$0.shard].header.tensors[$0.tensor] }
    }

    /// A tensor's stored bytes as a file of their own. Throws `missingTensor`.
    package func stored(_ name: String) throws(CheckpointError) -> InputFile {
        guard let tensor = tensor(named: name), let file = file(holding: name) else { throw .missingTensor(path, name: name) }
        return file.region(tensor.offset..<tensor.offset + tensor.byteCount, named: file.path)
    }

    /// The file that holds a tensor.
    package func file(holding name: String) -> InputFile? { places[Array(name.utf8)].map { shards[$0.shard].file } }
}
