package import Storage

/// The files of a checkpoint that is to be written, and the index of its shards.
package struct CheckpointLayout: Sendable {
    /// The order of a file's tensors.
    package enum Order: String, Sendable, CaseIterable {
        /// The one that depends on nothing but the tensors themselves.
        case canonical
        /// The one they come in.
        case preserve
    }

    /// The files that hold tensors, by name, in the order they are written.
    package let shards: [(name: String, layout: SafetensorsLayout)]
    /// The index, written after them; nil where there is one file.
    package let index: (name: String, contents: [UInt8])?

    package static let singleName = "model.safetensors"
    package static let indexName = "model.safetensors.index.json"

    /// The layout that a checkpoint has: same shards, same order, same offsets, same metadata, the index byte for byte.
    ///
    /// One that is not stored as safetensors gets the canonical layout in one file.
    ///
    /// A `note` is an entry more in the metadata of the files that hold a tensor of `edited`.
    package init(
        preserving checkpoint: Checkpoint, edited: Set<String> = [], note: (name: String, value: String)? = nil
    ) throws(StorageError) {
        try self.init(preserving: checkpoint, edited: Set(edited.map(ByteName.init))) { metadata in
            guard let note else { return metadata }
            return metadata.filter { !$0.name.utf8.elementsEqual(note.name.utf8) } + [note]
        }
    }

    /// The same, where `change` makes the metadata of the files that hold a tensor of `edited` from what they have.
    package init(
        preserving checkpoint: Checkpoint, edited: Set<ByteName>,
        metadata change: ([(name: String, value: String)]) -> [(name: String, value: String)]
    ) throws(StorageError) {
        guard checkpoint.shards.allSatisfy({ $0.safetensors != nil }) else {
            self.init([checkpoint.tensors.map(\.description)], order: .canonical, metadata: change(checkpoint.metadata))
            return
        }
        let index = try checkpoint.index?.contents()
        let shards = checkpoint.shards.compactMap { shard in
            shard.safetensors.map { header in
                let isEdited = header.tensors.contains { edited.contains(ByteName($0.name)) }
                let metadata = header.metadata ?? []
                return (shard.name, SafetensorsLayout(repeating: header, metadata: isEdited ? change(metadata) : metadata))
            }
        }
        self.init(shards: shards, index: index.map { (Self.indexName, $0) })
    }

    /// A file for each group of tensors; several are named and indexed as shards.
    package init(_ groups: [[TensorDescription]], order: Order, metadata: [(name: String, value: String)]) {
        let names = groups.count == 1 ? [Self.singleName] : groups.indices.map { Self.shardName($0 + 1, of: groups.count) }
        self.init(
            shards: zip(names, groups).map { name, group in
                (
                    name,
                    order == .canonical
                        ? SafetensorsLayout(canonical: group, metadata: metadata) : SafetensorsLayout(group, metadata: metadata)
                )
            },
            index: groups.count == 1 ? nil : (Self.indexName, Self.index(of: groups, in: names)))
    }

    private init(shards: [(name: String, layout: SafetensorsLayout)], index: (name: String, contents: [UInt8])?) {
        (self.shards, self.index) = (shards, index)
    }

    /// Tensors in groups of at most `size` bytes, in their order, a larger tensor alone.
    package static func groups(of tensors: [TensorDescription], size: Int) -> [[TensorDescription]] {
        var groups: [[TensorDescription]] = [[]]
        var filled = 0
        for tensor in tensors {
            if filled > 0 && tensor.byteCount > size - filled {
                groups.append([])
                filled = 0
            }
            groups[groups.count - 1].append(tensor)
            filled += tensor.byteCount
        }
        return groups
    }

    private static func shardName(_ number: Int, of count: Int) -> String {
        func padded(_ number: Int) -> String { String(repeating: "0", count: max(0, 5 - String(number).count)) + String(number) }
        return "model-\(padded(number))-of-\(padded(count)).safetensors"
    }

    private static func index(of groups: [[TensorDescription]], in names: [String]) -> [UInt8] {
        let tensors = groups.joined()
        let map = zip(names, groups).flatMap { name, group in group.map { (name: $0.name, value: JSONValue.string(name)) } }
            .sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        let document = JSONValue.members([
            "metadata": .members([
                "total_parameters": .integer(tensors.reduce(0) { $0 + $1.elementCount }),
                "total_size": .integer(tensors.reduce(0) { $0 + $1.byteCount }),
            ]),
            "weight_map": .object(JSONObject(members: map)),
        ])
        return Array((document.serialized(pretty: true) + "\n").utf8)
    }
}
