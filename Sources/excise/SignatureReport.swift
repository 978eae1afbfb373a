internal import Checkpoints
internal import Signing
internal import Storage

/// What `sign` and `check-signature` tell of a signature.
struct SignatureReport {
    private let statement: Statement
    private let payloadDigest: SHA256Digest
    private let key: PublicKey
    private let certificate: Certificate?
    private let bytes: Int

    /// - Parameter key: the one that made it.
    init(of bundle: SignatureBundle, by key: PublicKey, _ statement: Statement, _ files: SignedFiles) {
        (self.key, self.statement, bytes) = (key, statement, files.bytes)
        payloadDigest = SHA256Hasher.digest(of: bundle.envelope.payload)
        certificate = if case .certificate(let certificate, _) = bundle.signer { certificate } else { nil }
    }

    var members: [(name: String, value: JSONValue)] {
        func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
        let shown = certificate.map { certificate in
            JSONValue.members([
                "subject": .string(certificate.subject), "valid_from": text(certificate.validity.from),
                "valid_until": text(certificate.validity.until), "sha256": .string(certificate.fingerprint.description),
            ])
        }
        return [
            ("subject", .members(["name": .string(statement.name), "sha256": .string(statement.digest.description)])),
            ("payload_sha256", .string(payloadDigest.description)),
            (
                "signer",
                .members([
                    "curve": .string(key.curve.rawValue), "public_key_sha256": .string(key.fingerprint.description),
                    "certificate": shown ?? .null,
                ])
            ),
            ("files", .integer(statement.resources.count)), ("tensors", .integer(statement.tensorCount)),
            ("ignored", .array(statement.ignored.names.map { .string($0) })),
        ]
    }

    static func member(_ mismatches: [Mismatch]) -> (name: String, value: JSONValue) {
        func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
        return (
            "mismatches",
            .array(
                mismatches.map { mismatch in
                    .members([
                        "kind": .string(mismatch.kind.rawValue), "file": .string(mismatch.file), "tensor": text(mismatch.tensor),
                        "expected": text(mismatch.expected?.description), "found": text(mismatch.found?.description),
                        "message": .string(mismatch.description),
                    ])
                })
        )
    }

    func printText() {
        let (files, tensors) = (statement.resources.count, statement.tensorCount)
        print("signed          \(CheckpointError.quoted(statement.name)): \(files) files, \(tensors) tensors")
        print("digest          \(statement.digest)")
        print("key             \(key.curve.rawValue), \(key.fingerprint)")
        guard let certificate else { return }
        let validity = certificate.validity
        print("certificate     \(CheckpointError.quoted(certificate.subject)), \(validity.from ?? "?") to \(validity.until ?? "?")")
    }
}
