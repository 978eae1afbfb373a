internal import Checkpoints
package import Storage

/// One thing that is not as it was signed: a file, or a tensor in one.
package struct Mismatch: Sendable, CustomStringConvertible {
    package enum Kind: String, Sendable, CaseIterable {
        case fileChanged = "file-changed"
        case fileMissing = "file-missing"
        case fileUnsigned = "file-unsigned"
        case fileLinked = "file-linked"
        case fileUnreadable = "file-unreadable"
        case headerChanged = "header-changed"
        case tensorChanged = "tensor-changed"
        case tensorMissing = "tensor-missing"
        case tensorUnsigned = "tensor-unsigned"
    }

    package let kind: Kind
    /// Relative to the directory; of a single file, its own name.
    package let file: String
    package var tensor: String?
    /// SHA-256 of a file, or a tensor's leaf of the content digest.
    package var expected: SHA256Digest?
    package var found: SHA256Digest?
    /// Why a file could not be taken apart into tensors.
    var reason: String?

    package var description: String {
        let file = CheckpointError.quoted(file)
        let tensor = "tensor \(CheckpointError.quoted(tensor ?? "")) in \(file)"
        let digests = expected.flatMap { expected in found.map { ": its digest is \($0); \(expected) was signed" } } ?? ""
        switch kind {
        case .fileChanged: return "\(file) is not the file that was signed\(digests)"
        case .fileMissing: return "\(file) is missing"
        case .fileUnsigned: return "\(file) is there and was not signed"
        case .fileLinked: return "\(file) is a symbolic link; a file was signed"
        case .fileUnreadable: return "\(file) is not the file that was signed, nor sound: \(reason ?? "")"
        case .headerChanged: return "\(file) has another header than the one that was signed; all of its tensors are as they were"
        case .tensorChanged: return "\(tensor) is not the one that was signed\(digests)"
        case .tensorMissing: return "\(tensor) is missing"
        case .tensorUnsigned: return "\(tensor) is there and was not signed"
        }
    }
}
