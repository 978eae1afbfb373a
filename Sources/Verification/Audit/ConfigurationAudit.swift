internal import Checkpoints
internal import Storage
internal import SystemPackage

/// config.json, and the tensors beside what it asks for.
struct ConfigurationAudit {
    /// How many token ids there are by the configuration and by the embedding's rows, the fewer; nil where neither is known.
    let vocabularySize: Int?

    init(_ files: AuditedFiles, _ tensors: TensorFilesAudit, _ findings: inout FindingList) {
        if !files.contains(Self.name) { findings.error(.missingFile, Self.name, "there is no configuration.") }
        let document = files.json(Self.name, &findings)
        var bounds = [document?["vocab_size"] ?? document?["text_config"]?["vocab_size"]].compactMap { $0?.integer }
        if let document, let configuration = Self.configuration(document, files, &findings), let checkpoint = tensors.checkpoint {
            let laidOut = LayoutDefects(configuration, in: checkpoint)
            for error in laidOut.errors { findings.objection(error, Self.file(of: error, tensors)) }
            if let layout = laidOut.layout {
                bounds += [checkpoint.tensor(named: layout.embedding)?.shape.first].compactMap { $0 }
                Self.noteUnknown(in: checkpoint, configuration, layout, &findings)
            }
        }
        vocabularySize = bounds.filter { $0 > 0 }.min()
        for (name, document) in [(Self.name, document), (Self.generationName, files.json(Self.generationName, &findings))] {
            for key in ["bos_token_id", "eos_token_id", "pad_token_id"] { checkToken(document?[key], key, name, &findings) }
        }
    }

    private static let name = "config.json"
    private static let generationName = "generation_config.json"

    private static func configuration(_ document: JSONValue, _ files: AuditedFiles, _ findings: inout FindingList) -> ModelConfiguration? {
        do { return try ModelConfiguration(document: document, path: files.tree.path.appending(name)) } catch {
            findings.objection(error, name)
            return nil
        }
    }

    /// The file that a tensor is in, or that it is missing from.
    private static func file(of error: CheckpointError, _ tensors: TensorFilesAudit) -> String {
        switch error {
        case .unexpectedShape(let path, _, _, _), .unsupportedDType(let path, _, _): path.lastComponent?.string ?? tensors.name
        case .missingTensor: tensors.name
        default: name
        }
    }

    /// Tensors that no role of the family asks for.
    private static func noteUnknown(
        in checkpoint: Checkpoint, _ configuration: ModelConfiguration, _ layout: TensorLayout, _ findings: inout FindingList
    ) {
        let family = FamilyNames(configuration.architecture)
        let known = Set(layout.parameters.map { Array($0.utf8) })
        var surplus: Set<Int> = []
        for shard in checkpoint.shards {
            for tensor in shard.tensors where !known.contains(Array(tensor.name.utf8)) {
                if configuration.isHeadTied && family.isHead(tensor.name) {
                    findings.warning(
                        .tiedHead, shard.name, item: tensor.name,
                        "the configuration ties the head to the embedding, but it is stored; readers differ in which they use.")
                } else if let layer = family.layer(of: tensor.name), layer >= configuration.layerCount {
                    guard surplus.insert(layer).inserted else { continue }
                    findings.warning(
                        .surplusLayer, shard.name, item: "\(layer)",
                        "the configuration has \(configuration.layerCount) layers; this one is not computed.")
                } else if !family.isBuffer(tensor.name) {
                    findings.warning(
                        .unknownTensor, shard.name, item: tensor.name,
                        "no role of \(configuration.architecture.modelType) has this name; it is not computed with.")
                }
            }
        }
    }

    /// What a configuration says of a special token: an id, several, or nothing.
    private func checkToken(_ value: JSONValue?, _ key: String, _ file: String, _ findings: inout FindingList) {
        guard let value, !value.isNull else { return }
        for id in value.array ?? [value] {
            let reason: String
            if let id = id.integer {
                guard id < 0 || id >= vocabularySize ?? .max else { continue }
                reason = "is \(id), but the vocabulary has \(vocabularySize.map { "\($0) ids" } ?? "no such id")."
            } else {
                reason = "is no token's id."
            }
            // Nothing is ever padded here, and some writers say -1 for none.
            if key == "pad_token_id" {
                findings.warning(.specialToken, file, item: key, reason)
            } else {
                findings.error(.specialToken, file, item: key, reason)
            }
        }
    }
}
