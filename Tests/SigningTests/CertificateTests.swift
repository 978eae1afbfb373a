import Signing
import Storage
import SystemPackage
import TestSupport
import Testing

struct CertificateTests {
    @Test func saysWhoseItIs() throws {
        let leaf = try Certificate.all(in: Signatures.key("leaf.crt"))
        #expect(leaf.count == 1 && leaf[0].subject == "CN=Test Signer")
        #expect(leaf[0].validity.from == "2020-01-03T00:00:00Z" && leaf[0].validity.until == "2020-02-02T00:00:00Z")
        // What is between the lines of the file is its DER.
        let text = String(decoding: try InputFile.contents(of: Signatures.key("leaf.crt")), as: UTF8.self)
        let lines = text.split(separator: "\n").filter { !$0.hasPrefix("-----") }.joined()
        #expect(Base64.decoded(lines) == leaf[0].der && SHA256Hasher.digest(of: leaf[0].der) == leaf[0].fingerprint)
    }

    @Test func readsSeveralOfOneFile() throws {
        let text = try ["leaf", "intermediate", "root"].flatMap { try InputFile.contents(of: Signatures.key($0 + ".crt")) }
        try withScratchDirectory { directory in
            let path = directory.appending("chain.pem")
            try write(text, to: path)
            #expect(try Certificate.all(in: path).map(\.subject) == ["CN=Test Signer", "CN=Test Intermediate", "CN=Test Root"])
            try write(Array(text.dropLast(60)), to: path)
            let error = try fault { _ = try Certificate.all(in: path) }
            #expect(error.kind == "malformed-certificate" && error.description.contains("behind 2 others"), "\(error)")
        }
        let none = try fault { _ = try Certificate.all(in: Signatures.key("p256")) }
        #expect(none.fault == .malformedInput && none.description.contains("no certificate"))
    }
}
