internal import COpenSSL
internal import Storage
package import SystemPackage

/// A private key on one of the curves, which signs.
@safe package struct PrivateKey {
    /// Its public half; OpenSSL holds both in one.
    package let publicKey: PublicKey

    /// The key in a PEM file: PRIVATE KEY, ENCRYPTED PRIVATE KEY (RFC 5958) or EC PRIVATE KEY (RFC 5915). Throws
    /// `passphrase`, `key` or `curve`.
    ///
    /// - Parameter passphrase: a file whose first line it is.
    package init(_ path: FilePath, passphrase: FilePath?) throws {
        let isEncrypted = String(decoding: try InputFile.contents(of: path, limit: PEM.keyLimit), as: UTF8.self).contains("ENCRYPTED")
        guard passphrase != nil || !isEncrypted else { throw SigningError.passphrase(path) }
        let secret = try passphrase.map(Self.firstLine) ?? []
        let key = try unsafe PEM.read(path, limit: PEM.keyLimit, passphrase: secret) { text, secret in
            unsafe PEM_read_bio_PrivateKey(text, nil, nil, secret)
        }
        guard let key = unsafe key else {
            throw SigningError.key(
                path,
                reason: isEncrypted
                    ? "could not be decrypted: the passphrase is another one, or it is no key" : "holds no private key in PEM")
        }
        publicKey = try unsafe PublicKey(adopting: key, from: path)
    }

    private static func firstLine(of path: FilePath) throws -> [UInt8] {
        let line = try InputFile.contents(of: path, limit: 1 << 12).prefix { $0 != 0x0A && $0 != 0x0D }
        guard !line.isEmpty, line.count <= 1000, !line.contains(0) else {
            throw SigningError.key(path, reason: "should hold a passphrase of at most 1000 bytes in its first line")
        }
        return Array(line)
    }

    /// The signature of a message: DER of r and s, another one each time.
    package func signature(of message: [UInt8]) -> [UInt8] {
        let context = unsafe allocated(EVP_MD_CTX_new())
        defer { unsafe EVP_MD_CTX_free(context) }
        var count = 0
        let isReady =
            unsafe EVP_DigestSignInit(context, nil, publicKey.curve.digest, nil, publicKey.handle) == 1
            && EVP_DigestSign(context, nil, &count, message, message.count) == 1
        precondition(isReady, "libcrypto cannot sign with a key that it has read")
        return unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, written in
            let status = unsafe EVP_DigestSign(context, buffer.baseAddress, &count, message, message.count)
            precondition(status == 1, "libcrypto could not sign")
            written = count
        }
    }
}
