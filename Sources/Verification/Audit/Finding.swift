/// One thing that is wrong, or odd, with a model's files.
package struct Finding: Sendable, Equatable {
    package enum Severity: String, Sendable {
        /// The model cannot be read whole, or two readers may see two models in it.
        case error
        /// It can be read, but is not quite what it should be, or not what is computed with here.
        case warning
    }

    package let severity: Severity
    /// A stable name for programs; Formats/check-codes.md lists them.
    package let code: String
    /// The file's name in the model's directory.
    package let file: String
    /// The tensor, shard, layer or key that it is about.
    package let item: String?
    package let message: String

    /// Whether all that is wrong is that a file is not there.
    var isMissingFile: Bool { code == AuditCode.missingFile.rawValue || code == AuditCode.missingShard.rawValue }
}

/// What the audit finds by itself; the readers of the files have their own codes beside these.
package enum AuditCode: String, Sendable, CaseIterable {
    // The directory
    case missingFile = "missing-file"
    case gitLFSPointer = "lfs-pointer"
    case danglingLink = "dangling-link"
    case escapingLink = "escaping-link"
    case otherContainer = "other-container"
    case strayFile = "stray-file"
    // The tensors' files side by side
    case ambiguousCheckpoint = "ambiguous-checkpoint"
    case missingShard = "missing-shard"
    case shardCount = "shard-count"
    case indexMismatch = "index-mismatch"
    case unindexedTensor = "unindexed-tensor"
    case duplicateName = "duplicate-name"
    case totalSizeMismatch = "total-size-mismatch"
    // The tensors beside the configuration
    case tiedHead = "tied-head"
    case surplusLayer = "surplus-layer"
    case unknownTensor = "unknown-tensor"
    // The tokens
    case specialToken = "special-token"
    case otherTokenizer = "other-tokenizer"
    case tokenizerMismatch = "tokenizer-mismatch"
}
