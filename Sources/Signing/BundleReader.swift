package import Storage
internal import SystemPackage

/// Reads a bundle that a stranger may have written. Nothing of what it says is believed before its signature holds.
struct BundleReader {
    /// The payload is three quarters of it, which is enough for some half a million tensors.
    static let mostBytes = 1 << 27
    static let mostCertificates = 16
    /// Of the certificates, and of the signature, as JSON.
    private static let mostMaterial = 1 << 20
    private let path: FilePath

    static func read(_ file: InputFile) throws -> SignatureBundle {
        let text = try file.contents(limit: mostBytes)
        do { return try BundleReader(path: file.path).bundle(text.span) } catch let error as JSONSyntaxError {
            throw StorageError.syntax(file.path, error)
        }
    }

    private func fault(_ item: String, _ reason: String) -> SigningError { .malformed(path, item: item, reason: reason) }

    private func bundle(_ text: Span<UInt8>) throws -> SignatureBundle {
        guard var members = try JSONMembers(of: text) else { throw fault("it", "is not a JSON object") }
        var (mediaType, signer, envelope) = (String?.none, SignatureBundle.Signer?.none, Envelope?.none)
        while let member = try members.next() {
            switch member.name {
            case "mediaType": mediaType = try member.string()
            case "verificationMaterial": signer = try self.signer(small(member))
            case "dsseEnvelope": envelope = try self.envelope(member)
            case "messageSignature": throw SigningError.unsupported(path, reason: "it is over a message, not over a statement about files")
            default: break
            }
        }
        guard mediaType == SignatureBundle.mediaType else {
            throw fault("its mediaType", mediaType == nil ? "is missing" : "is not \(SignatureBundle.mediaType)")
        }
        guard let signer else { throw fault("its verificationMaterial", "is missing") }
        guard let envelope else { throw fault("its dsseEnvelope", "is missing") }
        return SignatureBundle(path, signer, envelope)
    }

    private func small(_ member: JSONMember) throws -> JSONValue {
        guard member.byteCount <= Self.mostMaterial else { throw fault("its \(member.name)", "has more than \(Self.mostMaterial) bytes") }
        return try member.value()
    }

    private func signer(_ material: JSONValue) throws -> SignatureBundle.Signer {
        guard material["certificate"] == nil, material["tlogEntries"]?.array?.isEmpty ?? true else {
            throw SigningError.unsupported(
                path, reason: "it relies on Sigstore's log; what is made with a key or a certificate chain is read")
        }
        switch (material["publicKey"], material["x509CertificateChain"]) {
        case (let key?, nil):
            guard key.object != nil, let hint = key["hint"], !hint.isNull else { return .key(nil) }
            guard let text = hint.string else { throw fault("its publicKey.hint", "is no string") }
            return .key(text.isEmpty ? nil : text)
        case (nil, let chain?):
            guard let list = chain["certificates"]?.array, (1...Self.mostCertificates).contains(list.count) else {
                throw fault("its x509CertificateChain", "does not have 1 to \(Self.mostCertificates) certificates")
            }
            let certificates = try list.enumerated().map { index, entry in
                guard let certificate = entry["rawBytes"]?.string.flatMap(Base64.decoded).flatMap({ Certificate(der: $0) }) else {
                    throw fault("certificate \(index + 1) in it", "is no X.509 certificate in base64")
                }
                return certificate
            }
            return .certificate(certificates[0], chain: Array(certificates.dropFirst()))
        default: throw fault("its verificationMaterial", "has not exactly one of publicKey and x509CertificateChain")
        }
    }

    private func envelope(_ member: JSONMember) throws -> Envelope {
        guard var members = member.members() else { throw fault("its dsseEnvelope", "is no object") }
        var (payload, type, signatures) = ([UInt8]?.none, String?.none, [JSONValue]?.none)
        while let member = try members.next() {
            switch member.name {
            case "payload": payload = try member.string().flatMap(Base64.decoded)
            case "payloadType": type = try member.string()
            case "signatures": signatures = try small(member).array
            default: break
            }
        }
        guard type == Envelope.payloadType else { throw fault("its payloadType", "is not \(Envelope.payloadType)") }
        guard let payload else { throw fault("its payload", "is missing, or not in base64") }
        guard let signatures, signatures.count == 1 else { throw fault("its dsseEnvelope", "does not have exactly one signature") }
        guard let signature = signatures[0]["sig"]?.string.flatMap(Base64.decoded) else {
            throw fault("its signature", "is missing, or not in base64")
        }
        return Envelope(payload: payload, signature: signature)
    }
}

extension SignatureBundle {
    /// Reads a bundle. Throws `malformed` or `unsupported`, and what reading a file throws.
    package init(_ file: InputFile) throws { self = try BundleReader.read(file) }
}
