import Signing
import Storage
import SystemPackage
import TestSupport
import Testing

struct PrivateKeyTests {
    @Test func isReadFromEachForm() throws {
        let key = try Signatures.privateKey("p256").publicKey.fingerprint
        let old = try Signatures.privateKey("p256-sec1").publicKey.fingerprint
        let passphrase = Signatures.directory.appending("keys/p256-encrypted.passphrase")
        let encrypted = try PrivateKey(Signatures.key("p256-encrypted"), passphrase: passphrase).publicKey.fingerprint
        #expect(key == old && key == encrypted)
        // A key that is not encrypted has no use for one.
        #expect(try PrivateKey(Signatures.key("p256"), passphrase: passphrase).publicKey.fingerprint == key)
    }

    @Test func asksForAPassphrase() throws {
        let missing = try fault { _ = try PrivateKey(Signatures.key("p256-encrypted"), passphrase: nil) }
        #expect(missing.fault == .usage && missing.description.contains("--passphrase-file"))
        try withScratchDirectory { directory in
            for (line, word) in [
                ("another\n", "decrypted"), ("", "passphrase"), ("a\0b", "passphrase"), (String(repeating: "a", count: 2000), "passphrase"),
            ] {
                let file = directory.appending("passphrase")
                try write(Array(line.utf8), to: file)
                let wrong = try fault { _ = try PrivateKey(Signatures.key("p256-encrypted"), passphrase: file) }
                #expect(wrong.fault == .malformedInput && wrong.description.contains(word), "\(wrong)")
            }
        }
    }

    @Test func refusesOtherKinds() throws {
        for name in ["rsa", "secp256k1"] {
            let error = try fault { _ = try Signatures.privateKey(name) }
            #expect(error.fault == .unsupported && error.description.contains("P-521"), "\(error)")
        }
        for name in ["p256.pub", "leaf.crt"] {
            let error = try fault { _ = try Signatures.privateKey(name) }
            #expect(error.kind == "malformed-key", "\(error)")
        }
    }

    /// Cut off anywhere, it is no key, and nothing worse.
    @Test func refusesAKeyThatIsCutOff() throws {
        let text = try InputFile.contents(of: Signatures.key("p521"))
        try withScratchDirectory { directory in
            for count in stride(from: 0, to: text.count - 1, by: 7) {
                let path = directory.appending("key.pem")
                try write(Array(text.prefix(count)), to: path)
                let error = try fault { _ = try PrivateKey(path, passphrase: nil) }
                #expect(error.fault == .malformedInput, "\(count): \(error)")
            }
        }
    }
}
