package import Checkpoints
package import Storage
internal import SystemPackage

/// The checkpoint that an edit makes of its base: the same files, the changed tensors written anew, and the edit added to the history.
package struct EditedCheckpoint {
    private let plan: EditPlan
    private let outcome: EditOutcome
    private let baseDigest: SHA256Digest

    package init(_ plan: EditPlan, _ outcome: EditOutcome, baseDigest: SHA256Digest) {
        (self.plan, self.outcome, self.baseDigest) = (plan, outcome, baseDigest)
    }

    /// Writes all of it into a staged directory. Returns the content digest of what was written.
    ///
    /// - Parameters:
    ///   - history: what had been edited in the base.
    ///   - tool: the version that edits.
    ///   - forgotten: the digest of the forget text's file.
    package func write(
        to staged: StagedDirectory, after history: EditHistory, tool: String, forgotten: SHA256Digest
    ) throws -> SHA256Digest {
        let base = plan.model.checkpoint
        try CheckpointWriter(
            like: base, edited: outcome.isEdited ? Set(outcome.parameters) : [], from: EditedWeights(base, sum: outcome.change),
            note: history.line(ofNext: plan.recipe.method.rawValue, base: baseDigest)
        ).write(to: staged, beside: plan.model.files.companions().filter { $0.name != EditHistory.fileName })
        let digest = try Checkpoint(FileTree(directory: staged.contents)).contentDigest()
        var history = history
        if outcome.isEdited { history.add(entry(digest, tool, forgotten)) }
        if !history.edits.isEmpty && !staged.isFinished(EditHistory.fileName) {
            let file = try staged.create(EditHistory.fileName)
            try file.write(history.bytes)
            try file.finish()
        }
        return digest
    }

    private func entry(_ digest: SHA256Digest, _ tool: String, _ forgotten: SHA256Digest) -> JSONValue {
        .members([
            "tool": .members(["name": "excise", "version": .string(tool)]), "method": .string(plan.recipe.method.rawValue),
            "curvature": .string(plan.recipe.curvature.name), "forget_sha256": .string(forgotten.description),
            "forget_records": .integer(plan.records.forget.count), "target_nll": .number(plan.recipe.target),
            "base_content_digest": .string(baseDigest.description), "content_digest": .string(digest.description),
        ])
    }
}
