package import Storage

internal import Tensors

/// A model that can be written anew: its tensors in their groups, where their bytes and values come from, and its other files.
package struct ConversionSource: Sendable {
    /// What stands in each of its files, in the order it stands there.
    package let shards: [[TensorDescription]]
    package let metadata: [(name: String, value: String)]
    package let files: [ModelFile]
    /// What it is, as far as the file system knows without reading it: the same for the same bytes in the same place.
    package let identity: String
    /// Every tensor's values.
    package let weights: any WeightSource
    /// A tensor's bytes as they are stored; nil where its elements stand in blocks.
    package let stored: @Sendable (_ name: String) throws(CheckpointError) -> InputFile?

    package init(_ checkpoint: Checkpoint) throws(CheckpointError) {
        shards = checkpoint.shards.map { $0.tensors.map(\.description) }
        metadata = checkpoint.metadata
        do { files = try checkpoint.files?.companions() ?? [] } catch { throw .storage(error) }
        identity = checkpoint.shards.map(\.file.identity).joined(separator: "\n")
        weights = checkpoint
        stored = { (name) throws(CheckpointError) in try checkpoint.stored(name) }
    }

    /// A GGUF file as the Hugging Face model that it was made from: tensors in blocks become F32.
    package init(_ model: GGUFModel) {
        shards = [model.tensors]
        metadata = [("format", "pt")]
        let dtype = model.tensors.first { $0.shape.count > 1 }?.dtype ?? .f32
        let configuration = (model.configuration.object?.members ?? []) + [("torch_dtype", .string(dtype.torchName))]
        files = [
            ModelFile("config.json", json: .object(JSONObject(members: configuration))),
            ModelFile("generation_config.json", json: model.generationConfiguration),
            ModelFile("tokenizer.json", json: model.tokenizer),
            ModelFile("tokenizer_config.json", json: model.tokenizerConfiguration),
        ]
        identity = model.file.file.identity
        weights = model
        stored = { _ in nil }
    }

    package var tensors: [TensorDescription] { shards.flatMap { $0 } }

    /// The bytes a tensor is stored as, where these are what it is to be; otherwise its values.
    func origin(of tensor: TensorDescription, was dtype: DType?) throws(CheckpointError) -> CheckpointWriter.Origin {
        if dtype == tensor.dtype, let bytes = try stored(tensor.name) { return .stored(bytes) }
        return .values(weights)
    }
}
