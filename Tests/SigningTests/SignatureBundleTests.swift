import Signing
import Storage
import SystemPackage
import TestSupport
import Testing

struct SignatureBundleTests {
    /// What model-signing signed with a key holds, of the folder and of a file.
    @Test(arguments: Signatures.curves.map { ($0, "model-" + $0) } + [("p256", "file")])
    func modelSigningsBundlesHold(_ key: String, _ name: String) throws {
        let bundle = try Signatures.bundle(name)
        _ = try bundle.check(with: PublicKey(Signatures.key(key + ".pub")))
        let statement = try bundle.statement()
        let path = name == "file" ? Signatures.model.appending("config.json") : Signatures.model
        let mismatches = try SignedFiles(path, ignoring: statement.ignored).mismatches(with: statement, of: bundle.path)
        #expect(mismatches.isEmpty && statement.resources.count == (name == "file" ? 1 : 4) && statement.tensorCount == 0)
        // The same files give the same digest here and there, which their order is part of.
        let own = try Signatures.statement(of: path)
        #expect(own.digest == statement.digest && own.name == statement.name)
    }

    @Test func modelSigningsBundleWithACertificateHolds() throws {
        let bundle = try Signatures.bundle("model-certificate")
        let key = try bundle.check(trusting: TrustedCertificates([Signatures.key("root.crt")]))
        let other = try PublicKey(Signatures.key("p256.pub"))
        #expect(key.fingerprint == other.fingerprint)
        // The key itself will do as well; certificates are no use where there is none.
        _ = try bundle.check(with: other)
        let error = try fault { _ = try Signatures.bundle("model-p256").check(trusting: TrustedCertificates([Signatures.key("root.crt")])) }
        #expect(error.fault == .digestMismatch && error.kind == "no-certificate")
    }

    @Test(arguments: [("shards", "whole files"), ("blake2", "SHA-256")])
    func otherKindsOfModelSigningAreNamed(_ name: String, _ word: String) throws {
        let bundle = try Signatures.bundle(name)
        _ = try bundle.check(with: PublicKey(Signatures.key("p256.pub")))
        let error = try fault { _ = try bundle.statement() }
        #expect(error.fault == .unsupported && error.description.contains(word), "\(error)")
    }

    @Test(arguments: Signatures.curves)
    func whatIsWrittenIsRead(_ name: String) throws {
        let key = try Signatures.privateKey(name)
        let statement = try Signatures.statement(of: Signatures.model)
        try withScratchDirectory { directory in
            let path = directory.appending("model.sig")
            try write(SignatureBundle(signing: statement, with: key, to: path).text, to: path)
            let bundle = try SignatureBundle(InputFile(path))
            _ = try bundle.check(with: key.publicKey)
            let again = try bundle.statement()
            #expect(again.payload == statement.payload && again.tensorCount == 2)
            let wrong = try fault { _ = try bundle.check(with: Signatures.privateKey(name == "p256" ? "p384" : "p256").publicKey) }
            #expect(wrong.fault == .digestMismatch && wrong.kind == "other-key")
        }
    }

    /// Whatever is another byte of the payload or the signature, or the key where the bundle does not name it.
    @Test func whatWasNotSignedDoesNotHold() throws {
        let text = #"{"_type":"x"}"#
        let bundle = try Signatures.sign(text)
        _ = try bundle.check(with: Signatures.privateKey().publicKey)
        let other = try fault { _ = try bundle.check(with: Signatures.privateKey("p384").publicKey) }
        #expect(other.kind == "wrong-signature" && other.fault == .digestMismatch)
        let key = try Signatures.privateKey()
        try withScratchDirectory { directory in
            let path = directory.appending("model.sig")
            let signed = String(decoding: Signatures.bundle(of: text, signedWith: key), as: UTF8.self)
            let payload = Base64.encoded(Array(text.utf8))
            for index in 0..<text.utf8.count {
                var changed = Array(text.utf8)
                changed[index] ^= 1
                try write(Array(signed.replacing(payload, with: Base64.encoded(changed)).utf8), to: path)
                let error = try fault { _ = try SignatureBundle(InputFile(path)).check(with: key.publicKey) }
                #expect(error.kind == "wrong-signature", "\(index)")
            }
        }
    }

    @Test(arguments: [
        (#""mediaType""#, #""media""#, "mediaType", Fault.malformedInput), ("bundle.v0.3", "bundle.v0.2", "mediaType", .malformedInput),
        (#""publicKey":{}"#, #""publicKey":{"hint":7}"#, "hint", .malformedInput),
        (#""publicKey":{}"#, #""publicKey":{},"x509CertificateChain":{}"#, "exactly one", .malformedInput),
        (#""publicKey":{}"#, #""tlogEntries":[]"#, "exactly one", .malformedInput),
        (#""publicKey":{}"#, #""x509CertificateChain":{"certificates":[]}"#, "1 to 16", .malformedInput),
        (#""publicKey":{}"#, #""x509CertificateChain":{"certificates":[{"rawBytes":"MAA="}]}"#, "certificate 1", .malformedInput),
        (#""publicKey":{}"#, #""x509CertificateChain":{"certificates":[{"rawBytes":""}]}"#, "certificate 1", .malformedInput),
        (#""publicKey":{}"#, #""publicKey":{},"tlogEntries":[{}]"#, "log", .unsupported),
        (#""publicKey":{}"#, #""certificate":{}"#, "log", .unsupported),
        (#"{"mediaType""#, #"{"messageSignature":{},"mediaType""#, "message", .unsupported),
        (#""payloadType":"application/vnd.in-toto+json""#, #""payloadType":"text/plain""#, "payloadType", .malformedInput),
        (#""payload":"eyJ"#, #""payload":"e J"#, "payload", .malformedInput),
        (#""payload":"eyJ"#, #""payload":"eyJ="#, "payload", .malformedInput),
        (#""payload":"#, #""pay":"#, "payload", .malformedInput), (#""sig":""#, #""sig":"!"#, "signature", .malformedInput),
        (#""signatures":["#, #""signatures":[{"sig":""},"#, "exactly one signature", .malformedInput),
        (#""signatures":["#, #""signatures":[],"other":["#, "exactly one signature", .malformedInput),
        (#""dsseEnvelope":{"#, #""dsseEnvelope":7,"x":{"#, "dsseEnvelope", .malformedInput),
        (#""dsseEnvelope":{"#, #""dsse":{"#, "dsseEnvelope", .malformedInput),
        (#""verificationMaterial":{"#, #""material":{"#, "verificationMaterial", .malformedInput),
        (#""publicKey":{}}"#, #""publicKey":{}"#, "JSON", .malformedInput), (#"{"mediaType""#, #"["mediaType""#, "object", .malformedInput),
        (#""payload":"#, #""payload":"","payload":"#, "twice", .malformedInput),
    ])
    func refusesWhatIsMalformed(_ found: String, _ replacement: String, _ word: String, _ expected: Fault) throws {
        let text = String(decoding: Signatures.bundle(of: "{}", signedWith: try Signatures.privateKey()), as: UTF8.self)
            .replacing(#""payload":"e30=""#, with: #""payload":"eyJ9""#)
        let range = try #require(text.ranges(of: found).first)
        try withScratchDirectory { directory in
            let path = directory.appending("model.sig")
            try write(Array((text[..<range.lowerBound] + replacement + text[range.upperBound...]).utf8), to: path)
            let error = try fault { _ = try SignatureBundle(InputFile(path)) }
            #expect(error.fault == expected && error.description.contains(word) && error.description.contains("model.sig"), "\(error)")
        }
    }
}
