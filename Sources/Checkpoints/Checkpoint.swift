package import Storage
package import SystemPackage
internal import Tensors

/// The tensors of a checkpoint, by name: in one file, or in shards with their index; safetensors or PyTorch's own.
package struct Checkpoint: Sendable {
    /// One file of it.
    package struct Shard: Sendable {
        package let file: InputFile
        /// Its tensors: of a safetensors file in the order of their bytes, of PyTorch's in the order of the pickle.
        package let tensors: [StoredTensor]
        /// Its header, where it is a safetensors file.
        package let safetensors: SafetensorsHeader?

        /// Opens a file as its name says: `.bin`, `.pt` and `.pth` are PyTorch's.
        package init(_ file: InputFile) throws(CheckpointError) {
            self.file = file
            guard file.path.extension?.lowercased() != "gguf" else { throw .unconvertedGGUF(file.path) }
            if ["bin", "pt", "pth"].contains(file.path.extension?.lowercased()) {
                (tensors, safetensors) = (try PyTorchFile(file).tensors, nil)
            } else {
                let header = try SafetensorsHeader(of: file)
                (tensors, safetensors) = (header.tensors, header)
            }
        }

        /// Tensors that are only taken to be in a file.
        fileprivate init(_ file: InputFile, assumed tensors: [StoredTensor]) {
            (self.file, self.tensors, safetensors) = (file, tensors, nil)
        }

        /// Its name in the model's directory.
        package var name: String { file.path.lastComponent?.string ?? "" }
    }

    /// What messages call it.
    package let path: FilePath
    /// The files of the directory that it was found in; nil of a single file.
    package let files: FileTree?
    /// The index of its shards, where there is one.
    package let index: InputFile?
    package private(set) var shards: [Shard]
    private var places: [ByteName: (shard: Int, tensor: Int)]

    /// A single .safetensors file, or one of PyTorch's.
    package init(file: InputFile) throws(CheckpointError) {
        try self.init(path: file.path, files: nil, index: nil, assignments: [], shards: [file])
    }

    /// The checkpoint among a model's files: model.safetensors or the shards that its index names, or else pytorch_model.bin or its shards.
    package init(_ files: FileTree) throws(CheckpointError) {
        for (single, ending) in [("model.safetensors", "safetensors"), ("pytorch_model.bin", "bin")] {
            switch (files.contains(single), files.contains(single + ".index.json")) {
            case (true, true):
                throw .index(files.path, kind: "ambiguous-checkpoint", reason: "holds both \(single) and an index of shards; remove one")
            case (true, false):
                try self.init(path: files.path, files: files, index: nil, assignments: [], shards: [Self.open(single, of: files)])
                return
            case (false, true):
                try self.init(files, index: Self.open(single + ".index.json", of: files), shardExtension: ending)
                return
            case (false, false): continue
            }
        }
        throw .storage(.missing(files.path.appending("model.safetensors")))
    }

    private init(_ files: FileTree, index file: InputFile, shardExtension: String) throws(CheckpointError) {
        let index = try ShardIndex(file, shardExtension: shardExtension)
        var shards: [InputFile] = []
        for name in index.shards {
            guard files.contains(name) else {
                throw .index(file.path, kind: "missing-shard", reason: "names the shard \(name), which is not there")
            }
            shards.append(try Self.open(name, of: files))
        }
        try self.init(path: files.path, files: files, index: file, assignments: index.assignments, shards: shards)
    }

    private static func open(_ name: String, of files: FileTree) throws(CheckpointError) -> InputFile {
        do { return try files.file(name) } catch { throw .storage(error) }
    }

    private init(
        path: FilePath, files: FileTree?, index: InputFile?, assignments: [(tensor: String, shard: String)], shards opened: [InputFile]
    ) throws(CheckpointError) {
        var shards: [Shard] = []
        var places: [ByteName: (shard: Int, tensor: Int)] = [:]
        for file in opened {
            let shard = try Shard(file)
            places.reserveCapacity(places.count + shard.tensors.count)
            for (index, tensor) in shard.tensors.enumerated() {
                guard places.updateValue((shards.count, index), forKey: ByteName(tensor.name)) == nil else {
                    throw .tensor(file.path, name: tensor.name, kind: "duplicate-name", reason: "an earlier shard holds it too")
                }
            }
            shards.append(shard)
        }
        for (tensor, shard) in assignments {
            guard let place = places[ByteName(tensor)], shards[place.shard].file.path.lastComponent?.string == shard else {
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

    /// The tensors of files that were read one by one, whatever an index says of them; of two that have one name the first counts.
    package init(_ files: FileTree, shards: [Shard]) {
        var places: [ByteName: (shard: Int, tensor: Int)] = [:]
        for (shard, contents) in shards.enumerated() {
            for (index, tensor) in contents.tensors.enumerated() {
                places.merge([(ByteName(tensor.name), (shard, index))]) { first, _ in first }
            }
        }
        (path, self.files, index, self.shards, self.places) = (files.path, files, nil, shards, places)
    }

    /// Takes it that there is such a tensor, in place of any of its name: only of use to see what else is missing.
    mutating func assume(_ tensor: StoredTensor) {
        guard let file = shards.first?.file else { return }
        places[ByteName(tensor.name)] = (shards.count, 0)
        shards.append(Shard(file, assumed: [tensor]))
    }

    /// Every tensor, shard by shard.
    package var tensors: [StoredTensor] { shards.flatMap(\.tensors) }

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
        places[ByteName(name)].map { shards[$0.shard].tensors[$0.tensor] }
    }

    /// A tensor's stored bytes as a file of their own. Throws `missingTensor`.
    package func stored(_ name: String) throws(CheckpointError) -> InputFile {
        guard let tensor = tensor(named: name), let file = file(holding: name) else { throw .missingTensor(path, name: name) }
        return file.region(tensor.offset..<tensor.offset + tensor.byteCount, named: file.path)
    }

    /// The file that holds a tensor.
    package func file(holding name: String) -> InputFile? { places[ByteName(name)].map { shards[$0.shard].file } }
}
