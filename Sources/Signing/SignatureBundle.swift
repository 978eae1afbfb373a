internal import Storage
package import SystemPackage

/// A signature's file: a Sigstore bundle, version 0.3, made with a key or a certificate, without a transparency log.
///
/// Formats/signature.md describes it.
package struct SignatureBundle {
    static let mediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"

    /// Who signed, as the bundle has it, which proves nothing.
    package enum Signer {
        /// A key by its `PublicKey.fingerprint`, where there is one.
        case key(String?)
        /// The certificate of the key, and those on the way to one that is trusted.
        case certificate(Certificate, chain: [Certificate])
    }

    package let path: FilePath
    package let signer: Signer
    package let envelope: Envelope

    init(_ path: FilePath, _ signer: Signer, _ envelope: Envelope) { (self.path, self.signer, self.envelope) = (path, signer, envelope) }

    /// Signs with a key.
    package init(signing statement: Statement, with key: PrivateKey, to path: FilePath) {
        self.init(path, .key(key.publicKey.fingerprint.description), Envelope(signing: statement, with: key))
    }

    /// Signs with a key and its certificate. Throws `otherCertificate`, `curve` or `certificates`.
    ///
    /// - Parameters:
    ///   - certificates: a file with the certificate, behind which those may stand that lead to a trusted one.
    ///   - chain: files with more of these.
    package init(
        signing statement: Statement, with key: PrivateKey, from keyPath: FilePath, certificates: FilePath, chain: [FilePath],
        to path: FilePath
    ) throws {
        let found = try Certificate.all(in: certificates)
        guard try found[0].publicKey(from: certificates).isSame(as: key.publicKey) else {
            throw SigningError.otherCertificate(certificates, key: keyPath)
        }
        guard found[0].maySign else {
            throw SigningError.certificates(certificates, reason: "does not allow signing: it has neither digitalSignature nor codeSigning")
        }
        let others = Array(found.dropFirst()) + (try chain.flatMap { try Certificate.all(in: $0) })
        guard others.count < BundleReader.mostCertificates else {
            throw SigningError.certificates(
                certificates, reason: "and the chain are more than \(BundleReader.mostCertificates) certificates")
        }
        self.init(path, .certificate(found[0], chain: others), Envelope(signing: statement, with: key))
    }

    /// The key that made the signature, once it holds. Throws `otherKey` or `badSignature`.
    package func check(with key: PublicKey) throws -> PublicKey {
        if case .key(let name?) = signer, name != key.fingerprint.description { throw SigningError.otherKey(path) }
        guard envelope.holds(by: key) else { throw SigningError.badSignature(path) }
        return key
    }

    /// The key of the certificate that made the signature, once that is trusted and the signature holds. Throws `noCertificate`,
    /// `untrusted`, `curve` or `badSignature`.
    package func check(trusting trusted: TrustedCertificates) throws -> PublicKey {
        guard case .certificate(let certificate, let chain) = signer else { throw SigningError.noCertificate(path) }
        if let reason = trusted.objection(to: certificate, through: chain) {
            throw SigningError.untrusted(path, subject: certificate.subject, reason: reason)
        }
        guard certificate.maySign else {
            throw SigningError.untrusted(path, subject: certificate.subject, reason: "it is not for signing")
        }
        return try check(with: certificate.publicKey(from: path))
    }

    /// The text of the file, with a newline at its end.
    package var text: [UInt8] {
        let material: (String, JSONValue)
        switch signer {
        case .key(let name): material = ("publicKey", .object(JSONObject(members: name.map { [("hint", .string($0))] } ?? [])))
        case .certificate(let certificate, let chain):
            let all = ([certificate] + chain).map { JSONValue.members(["rawBytes": .string(Base64.encoded($0.der))]) }
            material = ("x509CertificateChain", .members(["certificates": .array(all)]))
        }
        let document = JSONValue.members([
            "mediaType": .string(Self.mediaType),
            "verificationMaterial": .object(JSONObject(members: [material, ("tlogEntries", [])])),
            "dsseEnvelope": .members([
                "payload": .string(Base64.encoded(envelope.payload)), "payloadType": .string(Envelope.payloadType),
                "signatures": [.members(["sig": .string(Base64.encoded(envelope.signature)), "keyid": ""])],
            ]),
        ])
        return Array((document.serialized() + "\n").utf8)
    }
}

extension Envelope {
    init(signing statement: Statement, with key: PrivateKey) {
        payload = statement.payload
        signature = key.signature(of: Self.signedBytes(of: payload))
    }
}
