package import Storage
internal import Tensors

/// A GGUF file as the Hugging Face model it was made from: tensors under their Hugging Face names and in their shapes,
/// config.json, tokenizer.json and tokenizer_config.json. Families: llama and gpt2.
///
/// It exists only if every tensor of the file has a place in the model and every place a tensor of the right shape.
package struct GGUFModel: WeightSource {
    package let file: GGUFFile
    /// In the order of the file; a type that holds the values without loss (F32 where they stand in blocks).
    package let tensors: [TensorDescription]
    /// config.json, without the type of the tensors, which is the writer's to choose.
    package let configuration: JSONValue
    /// tokenizer.json
    package let tokenizer: JSONValue
    /// tokenizer_config.json
    package let tokenizerConfiguration: JSONValue
    /// generation_config.json
    package let generationConfiguration: JSONValue
    private let places: [[UInt8]: (place: GGUFPlace, tensor: GGUFTensor)]

    /// Throws what `GGUFFile` throws; `unsupported-architecture`, `unsupported-trait`, `gguf-split`, `gguf-key`,
    /// `gguf-unmapped-tensor`, `missing-tensor`, `unexpected-shape`, and what `GGUFTokenizer` throws.
    package init(_ input: InputFile) throws(CheckpointError) {
        let file = try GGUFFile(input)
        let name = try file.metadata.string("general.architecture") ?? ""
        if let parts = try file.metadata.integer("split.count"), parts > 1 {
            throw .unsupportedGGUF(file.path, kind: "gguf-split", reason: "this is one of \(parts) files that hold the model together")
        }
        let family: any GGUFFamily
        switch name {
        case "llama": family = try GGUFLlama(file)
        case "gpt2": family = try GGUFGPT2(file)
        default: throw .unsupportedArchitecture(file.path, modelType: name, supported: ["gpt2", "llama"])
        }

        var stored: [[UInt8]: GGUFPlace] = [:]
        for place in family.places {
            guard let tensor = file.tensor(named: place.storedName) else { throw .missingTensor(file.path, name: place.storedName) }
            guard tensor.shape == place.storedShape else {
                throw .unexpectedShape(file.path, name: tensor.name, expected: place.storedShape, found: tensor.shape)
            }
            stored[Array(tensor.name.utf8)] = place
        }
        var places: [[UInt8]: (place: GGUFPlace, tensor: GGUFTensor)] = [:]
        var tensors: [TensorDescription] = []
        for tensor in file.tensors {
            guard let place = stored[Array(tensor.name.utf8)] else {
                throw .unsupportedGGUF(
                    file.path, kind: "gguf-unmapped-tensor",
                    reason: "tensor \(CheckpointError.quoted(tensor.name)) has no place in a \(name) model")
            }
            places[Array(place.name.utf8)] = (place, tensor)
            tensors.append(TensorDescription(name: place.name, dtype: tensor.type.plain ?? .f32, shape: place.shape))
        }

        let tokenizer = try GGUFTokenizer(file.metadata, vocabularySize: family.vocabularySize)
        (self.file, self.places, self.tensors) = (file, places, tensors)
        self.tokenizer = tokenizer.document
        tokenizerConfiguration = tokenizer.configuration(contextLength: family.contextLength)
        generationConfiguration = .object(JSONObject(members: [("_from_model_config", true)] + tokenizer.identifiers))
        configuration = .object(JSONObject(members: family.configuration + tokenizer.identifiers))
    }

    package func read(_ name: String, from offset: Int, into destination: inout MutableSpan<Float>) throws {
        guard let (place, tensor) = places[Array(name.utf8)] else { throw CheckpointError.missingTensor(file.path, name: name) }
        precondition(offset >= 0 && offset + destination.count <= tensor.elementCount)
        switch place.arrangement {
        case .same: try file.read(tensor, from: offset, into: &destination)
        case .rotary(let headSize): try readRotary(tensor, headSize: headSize, from: offset, into: &destination)
        case .transposed: try readTransposed(tensor, from: offset, into: &destination)
        }
    }

    /// The file has the two halves of each head's rows interleaved: row 2i + p of a head is Hugging Face's row p D/2 + i.
    private func readRotary(
        _ tensor: GGUFTensor, headSize: Int, from offset: Int, into destination: inout MutableSpan<Float>
    ) throws(StorageError) {
        let columns = tensor.elementCount / tensor.shape[0]
        var done = 0
        while done < destination.count {
            let (row, column) = (offset + done).quotientAndRemainder(dividingBy: columns)
            let (head, inHead) = row.quotientAndRemainder(dividingBy: headSize)
            let (half, index) = inHead.quotientAndRemainder(dividingBy: headSize / 2)
            let count = min(columns - column, destination.count - done)
            var part = destination._mutatingExtracting(done..<done + count)
            try file.read(tensor, from: (head * headSize + 2 * index + half) * columns + column, into: &part)
            done += count
        }
    }

    /// The file has (outputs x inputs), Hugging Face's Conv1D (inputs x outputs). Of each stored row just the wanted
    /// inputs are read, so that the memory it takes is one row's however large the tensor.
    private func readTransposed(_ tensor: GGUFTensor, from offset: Int, into destination: inout MutableSpan<Float>) throws(StorageError) {
        guard destination.count > 0 else { return }
        let outputs = tensor.shape[0], inputs = tensor.shape[1]
        let end = offset + destination.count
        let wanted = offset / outputs..<(end - 1) / outputs + 1
        var row = [Float](repeating: 0, count: wanted.count)
        for output in 0..<outputs {
            var elements = row.mutableSpan
            try file.read(tensor, from: output * inputs + wanted.lowerBound, into: &elements)
            for input in wanted {
                let place = input * outputs + output
                if place >= offset, place < end { destination[place - offset] = elements[input - wanted.lowerBound] }
            }
        }
    }
}
