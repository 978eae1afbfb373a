internal import Checkpoints
internal import Comparison
internal import Patches
internal import Storage
internal import SystemPackage
internal import Tensors

/// What `patch` tells: the patch, and what was done with it.
struct PatchReport {
    private let action: String
    private let patch: Patch
    var inputs: [(role: String, path: String, digest: SHA256Digest?)] = []
    var output: String?
    /// The digest that the patch carries.
    var sha256: SHA256Digest?
    /// Of the checkpoint that was written.
    var contentDigest: SHA256Digest?
    var isReversed = false
    var scale: Double?
    /// Which side of the patch the model is.
    var side: PatchManifest.Side?
    var filesLeftOut: [String] = []

    init(_ action: String, _ patch: Patch) { (self.action, self.patch, sha256) = (action, patch, patch.sha256) }

    func print(asJSON isJSON: Bool) {
        for name in filesLeftOut {
            standardError("excise: note: \(CheckpointError.quoted(name)) differs too, and is no part of a patch, which carries tensors.")
        }
        guard isJSON else { return printText() }
        var report = Report("patch")
        for input in inputs { report.addInput(input.role, input.path, input.digest) }
        report.members = members
        report.print()
    }

    private func count(_ status: String) -> Int { patch.manifest.tensors.count { $0.status == status } }

    private var members: [(name: String, value: JSONValue)] {
        let manifest = patch.manifest
        func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
        func digest(_ digest: SHA256Digest?) -> JSONValue { text(digest?.description) }
        return [
            ("action", .string(action)), ("patch_sha256", digest(sha256)), ("patch_bytes", .integer(patch.size)),
            ("base_content_digest", digest(manifest.contentDigest(.base))),
            ("result_content_digest", digest(manifest.contentDigest(.result))), ("lossless", .boolean(manifest.isLossless)),
            (
                "counts",
                .members([
                    "changed": .integer(count("changed")), "added": .integer(count("added")), "removed": .integer(count("removed")),
                    "unchanged": .integer(manifest.unchanged.count),
                ])
            ),
            (
                "tensors",
                .array(
                    manifest.tensors.map { tensor in
                        .members([
                            "name": .string(tensor.name), "status": .string(tensor.status),
                            "dtype": .string(tensor.description.dtype.rawValue),
                            "shape": .array(tensor.description.shape.map(JSONValue.integer)),
                            "changed_words": .integer(tensor.changedWords), "bytes": .integer(tensor.description.byteCount),
                            "patch_bytes": .integer(patch.byteCount(of: tensor)),
                            "rank": tensor.lowRank.map { .integer($0.rank) } ?? .null,
                            "residual": tensor.lowRank.map { .number($0.residual) } ?? .null,
                        ])
                    })
            ),
            ("edits", .members(["before": .array(manifest.edits.before), "after": .array(manifest.edits.after)])),
            ("output", text(output)), ("content_digest", digest(contentDigest)), ("reversed", .boolean(isReversed)),
            ("scale", scale.map { .number($0) } ?? .null),
            ("model_is", text(side.map { $0 == .base ? "base" : "result" })),
            ("files_left_out", .array(filesLeftOut.map { .string($0) })),
        ]
    }

    private func printText() {
        let manifest = patch.manifest
        if action == "show" && !manifest.tensors.isEmpty { Swift.print(table.text + "\n") }
        let bytes = manifest.tensors.reduce(0) { $0 + $1.description.byteCount }
        let share = bytes > 0 ? ", \(Self.share(Double(patch.size) / Double(bytes))) of the tensors it changes" : ""
        Swift.print(
            "tensors         \(count("changed")) changed, \(count("added")) added, \(count("removed")) removed, "
                + "\(manifest.unchanged.count) unchanged")
        Swift.print("patch           \(patch.size) bytes\(share), sha256 \(sha256?.description ?? "none")")
        Swift.print("base            \(manifest.contentDigest(.base))")
        Swift.print("result          \(manifest.contentDigest(.result))")
        if let largest = manifest.tensors.compactMap({ $0.lowRank?.residual }).max() {
            let count = manifest.tensors.count { $0.lowRank != nil }
            Swift.print("not lossless    \(count) tensors by a low rank; of a change is lost, at most, \(Self.share(largest))")
        }
        for edit in manifest.edits.after { Swift.print("edited          by \(CheckpointError.quoted(edit["method"]?.string ?? ""))") }
        if let contentDigest { Swift.print("content digest  \(contentDigest)\(scale.map { $0 == 1 ? "" : ", at scale \($0)" } ?? "")") }
        if let side {
            Swift.print("the model is    the \(side == .base ? "base: the patch applies" : "result: the patch can be taken back")")
        }
        if let output { Swift.print("written to      \(output)") }
    }

    private static func share(_ part: Double) -> String { "\((1000 * part).rounded() / 10) %" }

    private var table: TextTable {
        TextTable(
            ["tensor", "status", "dtype", "shape", "changed", "bytes", "in the patch", "rank", "lost"],
            patch.manifest.tensors.map { tensor in
                [
                    CheckpointError.quoted(tensor.name), tensor.status, tensor.description.dtype.rawValue, "\(tensor.description.shape)",
                    "\(tensor.changedWords)", "\(tensor.description.byteCount)", "\(patch.byteCount(of: tensor))",
                    tensor.lowRank.map { "\($0.rank)" } ?? "all", tensor.lowRank.map { Self.share($0.residual) } ?? "0",
                ]
            })
    }
}
