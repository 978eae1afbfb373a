import Signing
import Storage
import SystemPackage
import TestSupport

/// What make_signatures.py wrote: a model, keys that everyone has, and model-signing's signatures.
enum Signatures {
    static let directory = Fixture.directory.appending("signatures")
    static let model = directory.appending("model")
    static let curves = ["p256", "p384", "p521"]

    static func key(_ name: String) -> FilePath { directory.appending("keys").appending(name + ".pem") }

    static func bundle(_ name: String) throws -> SignatureBundle { try SignatureBundle(InputFile(directory.appending(name + ".sig"))) }

    static func privateKey(_ name: String = "p256") throws -> PrivateKey { try PrivateKey(key(name), passphrase: nil) }

    /// Runs `body` with a copy of the model, in a directory that is removed afterwards.
    static func withModel<Result>(_ body: (FilePath) throws -> Result) throws -> Result {
        try withScratchDirectory { directory in
            let copy = directory.appending("model")
            try FileSystem.createDirectory(copy)
            try FileSystem.createDirectory(copy.appending("sub"))
            for name in ["config.json", "model.safetensors", "sub-notes.txt", "sub/notes.txt"] {
                try write(InputFile.contents(of: model.pushing(FilePath(name))), to: copy.pushing(FilePath(name)))
            }
            return try body(copy)
        }
    }

    static func statement(of path: FilePath, ignoring: [String] = [], allowingLinks: Bool = false) throws -> Statement {
        try SignedFiles(path, ignoring: IgnoredPaths(files: path, ignoring)).statement(allowingLinks: allowingLinks)
    }

    /// Writes a signature of a statement's text, whatever it says, and reads it again.
    static func sign(_ payload: String) throws -> SignatureBundle {
        try withScratchDirectory { directory in
            let path = directory.appending("model.sig")
            try write(bundle(of: payload, signedWith: privateKey()), to: path)
            return try SignatureBundle(InputFile(path))
        }
    }

    /// A bundle's text, made by hand.
    static func bundle(of payload: String, signedWith key: PrivateKey) -> [UInt8] {
        let type = "application/vnd.in-toto+json"
        let message = Array("DSSEv1 28 \(type) \(payload.utf8.count) \(payload)".utf8)
        let text = """
            {"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{}},"dsseEnvelope":{\
            "payload":"\(Base64.encoded(Array(payload.utf8)))","payloadType":"\(type)",\
            "signatures":[{"sig":"\(Base64.encoded(key.signature(of: message)))"}]}}
            """
        return Array(text.utf8)
    }
}
