package import Checkpoints
package import Storage
package import SystemPackage
internal import Tensors

/// What can be wrong with a patch, or with what it is applied to.
package enum PatchError: DiagnosedError {
    case notAPatch(FilePath)
    case malformed(FilePath, item: String, reason: String)
    /// What the patch's own digest is over is not what was written.
    case damaged(FilePath, reason: String)
    case shape(name: String, before: TensorDescription, after: TensorDescription)
    case otherTensor(FilePath, name: String, expected: SHA256Digest, found: SHA256Digest)
    case alreadyMade(FilePath, name: String, isReversed: Bool)
    case otherNames(FilePath, name: String, reason: String)
    case otherResult(FilePath, name: String, expected: SHA256Digest, found: SHA256Digest)
    case unscalable(name: String, reason: String)
    case lossy(FilePath, name: String)
    case order(first: FilePath, second: FilePath, isReversed: Bool)

    package var fault: Fault {
        switch self {
        case .notAPatch, .malformed: .malformedInput
        case .damaged, .otherTensor, .alreadyMade, .otherNames, .otherResult, .order: .digestMismatch
        case .shape, .unscalable, .lossy: .unsupported
        }
    }

    package var kind: String {
        switch self {
        case .notAPatch: "not-a-patch"
        case .malformed: "malformed-patch"
        case .damaged: "damaged-patch"
        case .shape: "other-shape"
        case .otherTensor: "base-digest"
        case .alreadyMade: "already-made"
        case .otherNames: "base-tensors"
        case .otherResult: "result-digest"
        case .unscalable: "unscalable"
        case .lossy: "lossy-patch"
        case .order: "patch-order"
        }
    }

    package var description: String {
        switch self {
        case .notAPatch(let path): "\(path) is no patch: its metadata have no \(Patch.manifestName)."
        case .malformed(let path, let item, let reason): "\(path) is malformed as a patch: \(item) \(reason)."
        case .damaged(let path, let reason): "\(path) is not as it was written: \(reason). Fetch it again."
        case .shape(let name, let before, let after):
            """
            Tensor \(CheckpointError.quoted(name)) is \(before.dtype.rawValue) \(before.shape) before and \(after.dtype.rawValue) \
            \(after.shape) after; a patch changes values, and adds and removes whole tensors. Convert one side first.
            """
        case .otherTensor(let path, let name, let expected, let found):
            """
            \(path): tensor \(CheckpointError.quoted(name)) is not the one that the patch is for: its digest is \(found); \
            \(expected) is expected.
            """
        case .alreadyMade(let path, let name, false):
            "\(path): tensor \(CheckpointError.quoted(name)) is already what the patch makes of it. To take the patch back, give --reverse."
        case .alreadyMade(let path, let name, true):
            "\(path): tensor \(CheckpointError.quoted(name)) is already what it was before the patch."
        case .otherNames(let path, let name, let reason): "\(path): tensor \(CheckpointError.quoted(name)) \(reason)."
        case .otherResult(let path, let name, let expected, let found):
            """
            \(path): what it makes of tensor \(CheckpointError.quoted(name)) is wrong: its SHA-256 is \(found); \(expected) is expected.
            """
        case .unscalable(let name, let reason):
            "Tensor \(CheckpointError.quoted(name)) \(reason), so no part of the patch can be applied, only all of it."
        case .lossy(let path, let name):
            "\(path) keeps tensor \(CheckpointError.quoted(name)) by a low rank, not to the bit, so it can be neither taken back nor composed."
        case .order(let first, let second, true):
            "\(second) ends where \(first) begins: give \(second) first, then \(first)."
        case .order(let first, let second, false):
            "\(second) does not begin where \(first) ends: the one's base is not the other's result."
        }
    }
}
