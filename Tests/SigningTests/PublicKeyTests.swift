import Signing
import Storage
import SystemPackage
import TestSupport
import Testing

struct PublicKeyTests {
    /// The name that model-signing gave the key in its bundle.
    @Test(arguments: zip(Signatures.curves, Curve.allCases))
    func hasModelSigningsFingerprint(_ name: String, _ curve: Curve) throws {
        let key = try PublicKey(Signatures.key(name + ".pub"))
        guard case .key(let hint) = try Signatures.bundle("model-" + name).signer else { throw Unexpected() }
        #expect(key.curve == curve && key.fingerprint.description == hint)
        let own = try Signatures.privateKey(name).publicKey.fingerprint
        #expect(own == key.fingerprint)
    }

    /// The point's short form is the same key.
    @Test func aCompressedPointHasTheSameFingerprint() throws {
        let (short, long) = (try PublicKey(Signatures.key("p256-compressed.pub")), try PublicKey(Signatures.key("p256.pub")))
        #expect(short.fingerprint == long.fingerprint)
    }

    @Test(arguments: Signatures.curves)
    func tellsItsOwnSignatures(_ name: String) throws {
        let key = try Signatures.privateKey(name)
        let message = Array("what is signed".utf8)
        let signature = key.signature(of: message)
        #expect(key.publicKey.verifies(signature, of: message))
        #expect(!key.publicKey.verifies(signature, of: message + [0]))
        #expect(!key.publicKey.verifies([], of: message))
        #expect(!key.publicKey.verifies(signature + [0], of: message))
        for index in signature.indices {
            var other = signature
            other[index] ^= 1
            #expect(!key.publicKey.verifies(other, of: message), "\(index)")
        }
        let another = try Signatures.privateKey(name == "p384" ? "p256" : "p384")
        #expect(!another.publicKey.verifies(signature, of: message))
    }

    @Test func refusesWhatIsNone() throws {
        for name in ["leaf.crt", "p256"] {
            let error = try fault { _ = try PublicKey(Signatures.key(name)) }
            #expect(error.fault == .malformedInput && error.kind == "malformed-key", "\(error)")
        }
        let missing = try fault { _ = try PublicKey(Signatures.key("nowhere")) }
        #expect(missing.fault == .missingInput)
    }
}
