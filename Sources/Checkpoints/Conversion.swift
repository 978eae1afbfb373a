package import Storage
package import Tensors

/// A checkpoint written anew in another dtype, other shards or the canonical order.
package struct Conversion: Sendable {
    /// What F32, F16 and BF16 tensors become; nil leaves every tensor as it is.
    package var dtype: DType?
    /// The most bytes of tensors in a file. Nil keeps the input's shards where the order is preserved, and otherwise makes one file.
    package var shardSize: Int?
    package var order: CheckpointLayout.Order = .canonical
    package var rounding: Rounding = .nearest

    package init() {}

    /// The files that come of it.
    package func layout(of source: ConversionSource) -> CheckpointLayout {
        var groups = source.shards.map { $0.map(converted) }
        if order == .canonical { groups = [groups.joined().sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }] }
        if let shardSize { groups = CheckpointLayout.groups(of: Array(groups.joined()), size: shardSize) }
        return CheckpointLayout(groups, order: order, metadata: source.metadata)
    }

    /// Writes them, with the model's other files beside; config.json names the new dtype.
    package func write(_ source: ConversionSource, to output: StagedDirectory) throws {
        var before: [ByteName: DType] = [:]
        for tensor in source.tensors { before[ByteName(tensor.name)] = tensor.dtype }
        let dtypes = before
        let writer = CheckpointWriter(layout(of: source), rounding: rounding) { tensor in
            try source.origin(of: tensor, was: dtypes[ByteName(tensor.name)])
        }
        try writer.write(to: output, beside: source.files.map { try renamingDType($0) })
    }

    private func converted(_ tensor: TensorDescription) -> TensorDescription {
        guard let dtype, tensor.dtype.isComputable else { return tensor }
        return TensorDescription(name: tensor.name, dtype: dtype, shape: tensor.shape)
    }

    /// config.json says in `dtype`, formerly `torch_dtype`, what the tensors are stored as.
    private func renamingDType(_ file: ModelFile) throws(StorageError) -> ModelFile {
        guard file.name == "config.json", let dtype, var members = try file.json().object?.members else { return file }
        for index in members.indices where ["dtype", "torch_dtype"].contains(members[index].name) {
            members[index].value = .string(dtype.torchName)
        }
        return ModelFile(file.name, json: .object(JSONObject(members: members)))
    }
}

extension DType {
    /// What PyTorch calls the type, for those that models are computed in.
    var torchName: String {
        switch self {
        case .f32: "float32"
        case .f16: "float16"
        case .bf16: "bfloat16"
        default: rawValue
        }
    }
}
