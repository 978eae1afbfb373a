internal import Checkpoints

extension FindingList {
    /// Compares the shards that could be read with each other and with their index.
    ///
    /// - Parameter isWhole: whether all of them could.
    mutating func compare(_ shards: [Checkpoint.Shard], with index: ShardIndex?, _ indexName: String, isWhole: Bool) {
        // By tensor: the shard it is in; -1 where it is in several.
        var places: [[UInt8]: Int] = [:]
        for (number, shard) in shards.enumerated() {
            for tensor in shard.tensors {
                let name = Array(tensor.name.utf8)
                guard let earlier = places[name] else {
                    places[name] = number
                    continue
                }
                places[name] = -1
                let other = earlier < 0 ? "other shards hold" : "\(shards[earlier].name) holds"
                error(.duplicateName, shard.name, item: tensor.name, "\(other) a tensor of this name too.")
            }
        }
        guard let index else { return }
        let read = Set(shards.map(\.name))
        for (tensor, shard) in index.assignments {
            let place = places.removeValue(forKey: Array(tensor.utf8))
            if let place {
                guard place >= 0, shards[place].name != shard else { continue }
                error(
                    .indexMismatch, indexName, item: tensor,
                    "the index says that it is in \(CheckpointError.quoted(shard)), but it is in \(CheckpointError.quoted(shards[place].name))."
                )
            } else if read.contains(shard) {
                let others = isWhole ? ", nor is it in another shard" : ""
                error(.indexMismatch, indexName, item: tensor, "it is not in \(CheckpointError.quoted(shard)), as the index says\(others).")
            }
        }
        for (number, shard) in shards.enumerated() {
            for tensor in shard.tensors where places[Array(tensor.name.utf8)] == number {
                warning(
                    .unindexedTensor, shard.name, item: tensor.name,
                    "the index does not name this tensor, so other programs may not read it.")
            }
        }
        guard isWhole, let announced = index.totalSize else { return }
        let sizes = shards.map(Self.sizes)
        let (all, distinct) = (sizes.reduce(0) { $0 + $1.all }, sizes.reduce(0) { $0 + $1.distinct })
        if announced != all && announced != distinct {
            warning(.totalSizeMismatch, indexName, item: "total_size", "total_size is \(announced), but the tensors have \(all) bytes.")
        }
    }

    /// The bytes of a shard's tensors; PyTorch's tied tensors have the same bytes, and some writers count them once.
    private static func sizes(of shard: Checkpoint.Shard) -> (all: Int, distinct: Int) {
        var ends: Set<Int> = []
        var (all, distinct) = (0, 0)
        for tensor in shard.tensors {
            all += tensor.byteCount
            if ends.insert(tensor.offset).inserted { distinct += tensor.byteCount }
        }
        return (all, distinct)
    }
}
