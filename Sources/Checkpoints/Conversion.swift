package import Storage
package import Tensors

/// A model that can be written anew: its tensors in their groups, where their bytes and values come from, and its other files.
package struct ConversionSource: Sendable {
    /// What stands in each of its files, in the order it stands there.
    package let shards: [[TensorDescription]]
    package let metadata: [(name: String, value: String)]
    package let files: [ModelFile]
    /// What it is, as far as the file system knows without reading it: the same for the same bytes in the same place.
    package let identity: String
    private let weights: any WeightSource
    private let stored: @Sendable (_ name: String) throws(CheckpointError) -> InputFile?

    package init(_ checkpoint: Checkpoint) throws(CheckpointError) {
        shards = checkpoint.shards.map { $0.tensors.map(\.description) }
        metadata = checkpoint.metadata
        do { files = try checkpoint.files?.companions() ?? [] } catch { throw .storage(error) }
        identity = checkpoint.shards.map(\.file.identity).joined(separator: "\n")
        weights = checkpoint
        stored = { (name) throws(CheckpointError) in try checkpoint.stored(name) }
    }

    package var tensors: [TensorDescription] { shards.flatMap { $0 } }

    /// The bytes a tensor is stored as, where these are what it is to be; otherwise its values.
    func origin(of tensor: TensorDescription, was dtype: DType?) throws(CheckpointError) -> CheckpointWriter.Origin {
        if dtype == tensor.dtype, let bytes = try stored(tensor.name) { return .stored(bytes) }
        return .values(weights)
    }
}

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
        var before: [[UInt8]: DType] = [:]
        for tensor in source.tensors { before[Array(tensor.name.utf8)] = tensor.dtype }
        let dtypes = before
        let writer = CheckpointWriter(layout(of: source), rounding: rounding) { tensor in
            try source.origin(of: tensor, was: dtypes[Array(tensor.name.utf8)])
        }
        try writer.write(to: output, beside: source.files.map { try renamingDType($0) })
    }

    private func converted(_ tensor: TensorDescription) -> TensorDescription {
        guard let dtype, tensor.dtype.isComputable else { return tensor }
        return TensorDescription(name: tensor.name, dtype: dtype, shape: tensor.shape)
    }

    /// config.json says in `dtype`, formerly `torch_dtype`, what the tensors are stored as.
    private func renamingDType(_ file: ModelFile) throws(StorageError) -> ModelFile {
        guard file.name == "config.json", let dtype, case .file(let source) = file.contents else { return file }
        guard var members = try source.json(limit: 16 << 20).object?.members else { return file }
        let name = ["F32": "float32", "F16": "float16", "BF16": "bfloat16"][dtype.rawValue] ?? dtype.rawValue
        for index in members.indices where ["dtype", "torch_dtype"].contains(members[index].name) { members[index].value = .string(name) }
        return ModelFile(file.name, json: .object(JSONObject(members: members)))
    }
}
