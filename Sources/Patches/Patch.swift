internal import Checkpoints
package import Storage
package import SystemPackage
internal import Tensors

/// A patch's file: a .safetensors file that holds, for each tensor that differs, the lossless difference of its stored words as bytes (U8,
/// one dimension; `DifferenceBlocks`) under the tensor's own name, and what it is all about in its metadata.
///
/// Formats/patch.md describes it.
package struct Patch: Sendable {
    static let manifestName = "excise.patch"
    static let digestName = "excise.patch.sha256"
    static let format = (name: "format", value: "excise-patch")

    package let manifest: PatchManifest
    private let file: InputFile
    private let header: SafetensorsHeader
    private let places: [ByteName: StoredTensor]

    /// Reads what it says of itself. Throws `notAPatch` or `malformed`, and what reading a safetensors file throws.
    package init(_ file: InputFile) throws {
        let header = try SafetensorsHeader(of: file)
        guard let text = header.metadata?.first(where: { $0.name == Self.manifestName })?.value else {
            throw PatchError.notAPatch(file.path)
        }
        let manifest = try ManifestReader.read(text, of: file.path)
        var places: [ByteName: StoredTensor] = [:]
        for tensor in header.tensors { places[ByteName(tensor.name)] = tensor }
        let parts = manifest.tensors.flatMap(\.parts)
        for part in parts {
            guard let stored = places[ByteName(part.name)], stored.dtype == part.dtype, stored.shape.count == part.shape.count,
                part.dtype == .u8 || stored.shape == part.shape
            else {
                throw PatchError.malformed(
                    file.path, item: "tensor \(CheckpointError.quoted(part.name))", reason: "should be in it by its manifest, and is not")
            }
        }
        guard Set(parts.map { ByteName($0.name) }).count == parts.count, parts.count == header.tensors.count else {
            throw PatchError.malformed(
                file.path, item: "its manifest", reason: "tells of \(parts.count) differences, but there are \(header.tensors.count)")
        }
        (self.manifest, self.file, self.header, self.places) = (manifest, file, header, places)
    }

    package var path: FilePath { file.path }
    package var size: Int { file.size }

    /// The digest that it carries of all else in it; nil where it has none.
    package var sha256: SHA256Digest? {
        (header.metadata?.first { $0.name == Self.digestName }?.value).flatMap { SHA256Digest(hexadecimal: $0) }
    }

    /// Reads all of it, and throws `damaged` unless every bit is the one that was written.
    package func verify() throws {
        let tensors = header.tensors.map(\.description)
        let metadata = header.metadata ?? []
        guard let expected = header.metadata?.first(where: { $0.name == Self.digestName })?.value else {
            throw PatchError.damaged(path, reason: "its own digest, \(Self.digestName), is missing")
        }
        guard SafetensorsLayout(tensors, metadata: metadata).header == header.bytes else {
            throw PatchError.damaged(path, reason: "its header is worded in another way")
        }
        var hasher = SHA256Hasher()
        hasher.update(SafetensorsLayout(tensors, metadata: Self.undigested(metadata)).header.span)
        try file.forEachPiece(from: header.bytes.count, count: file.size - header.bytes.count) { hasher.update($0) }
        let found = hasher.finish()
        // As text: digits in capitals are another file.
        guard found.description.utf8.elementsEqual(expected.utf8) else {
            throw PatchError.damaged(path, reason: "its SHA-256 is \(found), but it says \(CheckpointError.quoted(expected))")
        }
    }

    /// Throws `lossy` where not all of it is kept to the bit.
    func requireLossless() throws {
        if let tensor = manifest.tensors.first(where: { $0.lowRank != nil }) { throw PatchError.lossy(path, name: tensor.name) }
    }

    /// Reads every difference to its end, and throws `malformed` where one is damaged or changes another number of words than the manifest
    /// says.
    package func verifyDifferences() throws {
        for tensor in manifest.tensors where tensor.lowRank == nil {
            let found = try difference(of: tensor)?.changedWords() ?? 0
            guard found == tensor.changedWords else {
                throw PatchError.malformed(
                    path, item: "tensor \(CheckpointError.quoted(tensor.name))",
                    reason: "changes \(found) words; its manifest says \(tensor.changedWords)")
            }
        }
    }

    /// The metadata with zeros for digits in place of the digest.
    private static func undigested(_ metadata: [(name: String, value: String)]) -> [(name: String, value: String)] {
        metadata.map { $0.name == digestName ? ($0.name, String(repeating: "0", count: 2 * SHA256Digest.byteCount)) : $0 }
    }

    /// How many bytes a tensor's difference takes.
    package func byteCount(of tensor: PatchedTensor) -> Int {
        tensor.parts.reduce(0) { $0 + (places[ByteName($1.name)]?.byteCount ?? 0) }
    }

    /// The file's part that holds a tensor's difference; nil where there is none: of a tensor of zeros, or without
    /// elements, that is added or removed.
    func part(_ tensor: PatchedTensor) -> InputFile? { part(named: tensor.name) }

    private func part(named name: String) -> InputFile? {
        places[ByteName(name)].map { file.region($0.offset..<$0.offset + $0.byteCount, named: file.path) }
    }

    /// The thin matrices of a tensor, whose product is its change; nil where it is kept to the bit.
    func lowRankStep(of tensor: PatchedTensor, scale: Double) throws -> LowRankStep? {
        guard tensor.lowRank != nil else { return nil }
        let factors = try tensor.parts.map { part in
            var values = [Float](repeating: 0, count: part.elementCount)
            var span = values.mutableSpan
            let bytes = try self.part(named: part.name)?.contents(limit: .max) ?? []
            StoredScalar.decode(bytes.span, as: .f32, into: &span)
            return values
        }
        return LowRankStep(tensor.description, left: factors[0], right: factors[1], scale: scale)
    }

    /// A tensor's difference, nil where there is none. Throws `malformed`.
    func difference(of tensor: PatchedTensor) throws -> StoredDifference? {
        try part(tensor).map { try StoredDifference(tensor.description, in: $0) }
    }
}

extension PatchedTensor {
    /// What stands for it in the patch's file; of a difference, whose length is not known from this, U8 [0].
    var parts: [TensorDescription] {
        guard changedWords > 0 else { return [] }
        guard let rank = lowRank?.rank, let rows = description.shape.first else {
            return [TensorDescription(name: name, dtype: .u8, shape: [0])]
        }
        return [
            TensorDescription(name: name + "/left", dtype: .f32, shape: [rows, rank]),
            TensorDescription(name: name + "/right", dtype: .f32, shape: [rank, description.elementCount / rows]),
        ]
    }
}
