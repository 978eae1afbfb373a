internal import Storage
package import Tensors

/// What a checkpoint holds, counted.
package struct CheckpointSummary: Sendable {
    /// Elements of all tensors.
    package let parameters: Int
    /// Elements by the dtype they are stored in, in the order that the dtypes first occur.
    package let dtypes: [(dtype: DType, parameters: Int)]

    package init(_ checkpoint: Checkpoint) {
        var order: [DType] = []
        var counts: [DType: Int] = [:]
        for shard in checkpoint.shards {
            for tensor in shard.tensors {
                if counts[tensor.dtype] == nil { order.append(tensor.dtype) }
                counts[tensor.dtype, default: 0] += tensor.elementCount
            }
        }
        dtypes = order.map { ($0, counts[$0] ?? 0) }
        parameters = counts.values.reduce(0, +)
    }
}
