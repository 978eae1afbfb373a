internal import Checkpoints
package import Storage
package import SystemPackage

/// What can be wrong with keys, certificates, and signatures.
package enum SigningError: DiagnosedError {
    case key(FilePath, reason: String)
    case curve(FilePath)
    case passphrase(FilePath)
    case certificates(FilePath, reason: String)
    case otherCertificate(FilePath, key: FilePath)
    /// A path to ignore that is none within the directory.
    case ignored(String)
    case unsignable(FilePath, item: String, reason: String)
    case malformed(FilePath, item: String, reason: String)
    case unsupported(FilePath, reason: String)
    case otherKey(FilePath)
    case noCertificate(FilePath)
    case untrusted(FilePath, subject: String, reason: String)
    case badSignature(FilePath)
    case otherKind(FilePath, of: FilePath, isDirectory: Bool)

    package var fault: Fault {
        switch self {
        case .passphrase, .otherCertificate, .ignored: .usage
        case .key, .certificates, .unsignable, .malformed: .malformedInput
        case .curve, .unsupported: .unsupported
        case .otherKey, .noCertificate, .untrusted, .badSignature, .otherKind: .digestMismatch
        }
    }

    package var kind: String {
        switch self {
        case .key: "malformed-key"
        case .curve: "unsupported-curve"
        case .passphrase: "encrypted-key"
        case .certificates: "malformed-certificate"
        case .otherCertificate: "other-certificate"
        case .ignored: "usage"
        case .unsignable: "unsignable"
        case .malformed: "malformed-signature"
        case .unsupported: "unsupported-signature"
        case .otherKey: "other-key"
        case .noCertificate: "no-certificate"
        case .untrusted: "untrusted-certificate"
        case .badSignature: "wrong-signature"
        case .otherKind: "other-kind"
        }
    }

    package var description: String {
        switch self {
        case .key(let path, let reason): "\(path) \(reason)."
        case .curve(let path): "\(path) has a key of another kind than those that are supported: on the curves P-256, P-384 and P-521."
        case .passphrase(let path): "\(path) is encrypted. Give a file that holds its passphrase by --passphrase-file."
        case .certificates(let path, let reason): "\(path) \(reason)."
        case .otherCertificate(let path, let key): "The certificate in \(path) is not one of the key in \(key)."
        case .ignored(let name):
            "--ignore takes paths within the directory, such as drafts or logs/today.txt; \(CheckpointError.quoted(name)) is none."
        case .unsignable(let path, let item, let reason): "\(path) cannot be signed: \(item) \(reason)."
        case .malformed(let path, let item, let reason): "\(path) is malformed as a signature: \(item) \(reason)."
        case .unsupported(let path, let reason): "\(path) is a signature of a kind that is not read here: \(reason)."
        case .otherKey(let path): "\(path) was made with another key than the one given."
        case .noCertificate(let path):
            "\(path) carries no certificate, so it can only be checked with the public key. Give it by --public-key."
        case .untrusted(let path, let subject, let reason):
            "\(path) was made with a certificate that is not to be trusted, of \(CheckpointError.quoted(subject)): \(reason)."
        case .badSignature(let path): "\(path) does not hold: what it says is not what was signed, or the key is another one."
        case .otherKind(let path, let target, true): "\(path) is a signature of a single file, but \(target) is a directory."
        case .otherKind(let path, let target, false): "\(path) is a signature of a directory, but \(target) is a single file."
        }
    }
}
