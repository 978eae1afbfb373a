import Signing
import Storage
import SystemPackage
import TestSupport
import Testing

/// Whom a signature with a certificate is believed from; each chain as `sign` puts it into a bundle.
struct TrustedCertificatesTests {
    private func check(_ certificate: String = "leaf", chain: [String] = ["intermediate"], trusting trusted: [String]) throws {
        let bundle = try SignatureBundle(
            signing: Signatures.statement(of: Signatures.model), with: Signatures.privateKey(), from: Signatures.key("p256"),
            certificates: Signatures.key(certificate + ".crt"), chain: chain.map { Signatures.key($0 + ".crt") }, to: "model.sig")
        let key = try bundle.check(trusting: TrustedCertificates(trusted.map { Signatures.key($0 + ".crt") }))
        #expect(try key.fingerprint == Signatures.privateKey().publicKey.fingerprint)
    }

    /// The certificate ended in 2020: what counts is that it was good once.
    @Test func aChainToARootIsBelieved() throws {
        try check(trusting: ["root"])
        try check(chain: ["intermediate", "root"], trusting: ["root"])
        try check(chain: [], trusting: ["root", "intermediate"])
        try check(trusting: ["other-root", "root"])
    }

    @Test(arguments: [
        (["intermediate"], ["other-root"]), ([], ["root"]), (["intermediate"], ["intermediate"]), (["intermediate", "root"], ["leaf"]),
    ])
    func noOtherIs(_ chain: [String], _ trusted: [String]) throws {
        let error = try fault { try check(chain: chain, trusting: trusted) }
        #expect(
            error.fault == .digestMismatch && error.kind == "untrusted-certificate" && error.description.contains("CN=Test Signer"),
            "\(error)")
    }

    /// Of another key, or for another purpose, it is not even signed with.
    @Test func aCertificateMustAllowSigning() throws {
        let purpose = try fault { try check("encryption", trusting: ["root"]) }
        #expect(purpose.fault == .malformedInput && purpose.description.contains("digitalSignature"), "\(purpose)")
        let other = try fault { try check("root", trusting: ["root"]) }
        #expect(other.fault == .usage && other.kind == "other-certificate", "\(other)")
    }

    /// A bundle that was made with it nevertheless is not believed.
    @Test func aBundleWithACertificateForAnotherPurposeIsNotBelieved() throws {
        let text = String(decoding: try InputFile.contents(of: Signatures.directory.appending("model-certificate.sig")), as: UTF8.self)
        let encoded = { (name: String) in Base64.encoded(try Certificate.all(in: Signatures.key(name + ".crt"))[0].der) }
        let other = try text.replacing(encoded("leaf"), with: encoded("encryption"))
        #expect(other != text)
        try withScratchDirectory { directory in
            let path = directory.appending("model.sig")
            try write(Array(other.utf8), to: path)
            let trusted = try TrustedCertificates([Signatures.key("root.crt")])
            let error = try fault { _ = try SignatureBundle(InputFile(path)).check(trusting: trusted) }
            #expect(error.kind == "untrusted-certificate" && error.description.contains("not for signing"), "\(error)")
        }
    }
}
