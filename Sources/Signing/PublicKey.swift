internal import COpenSSL
package import Storage
package import SystemPackage

/// A public key on one of the curves.
@safe package final class PublicKey {
    /// OpenSSL's key, which may have its private half too.
    let handle: OpaquePointer
    package let curve: Curve

    /// Takes over a key of OpenSSL. Throws `curve`, and then the key is gone.
    ///
    /// - Parameter path: the file that it is from.
    init(adopting handle: OpaquePointer, from path: FilePath) throws(SigningError) {
        // A point has two forms in DER; the fingerprint is that of the usual one.
        unsafe EVP_PKEY_set_utf8_string_param(handle, "point-format", "uncompressed")
        guard let curve = unsafe Self.curve(of: handle) else {
            unsafe EVP_PKEY_free(handle)
            throw .curve(path)
        }
        unsafe self.handle = unsafe handle
        self.curve = curve
    }

    deinit { unsafe EVP_PKEY_free(handle) }

    /// The key in a PEM file (RFC 7468, PUBLIC KEY). Throws `key` or `curve`.
    package convenience init(_ path: FilePath) throws {
        let key = try unsafe PEM.read(path, limit: PEM.keyLimit) { text, secret in unsafe PEM_read_bio_PUBKEY(text, nil, nil, secret) }
        guard let key = unsafe key else { throw SigningError.key(path, reason: "holds no public key in PEM (-----BEGIN PUBLIC KEY-----)") }
        try unsafe self.init(adopting: key, from: path)
    }

    private static func curve(of handle: OpaquePointer) -> Curve? {
        var name = [CChar](repeating: 0, count: 64)
        let status = unsafe name.withUnsafeMutableBufferPointer { unsafe EVP_PKEY_get_group_name(handle, $0.baseAddress, $0.count, nil) }
        guard unsafe EVP_PKEY_is_a(handle, "EC") == 1, status == 1 else { return nil }
        return Curve(group: String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }

    /// The key as SubjectPublicKeyInfo in DER (RFC 5480).
    var der: [UInt8] {
        let count = Int(unsafe i2d_PUBKEY(handle, nil))
        precondition(count > 0, "libcrypto could not write a public key")
        return unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, written in
            var end = buffer.baseAddress
            written = unsafe Int(i2d_PUBKEY(handle, &end))
        }
    }

    /// SHA-256 of the key's PEM text, in lines of 64 characters, each with its end: what a bundle names the key by.
    package var fingerprint: SHA256Digest {
        let text = Array(Base64.encoded(der).utf8)
        let lines = stride(from: 0, to: text.count, by: 64).map { text[$0..<min($0 + 64, text.count)] + [UInt8(ascii: "\n")] }
        return SHA256Hasher.digest(
            of: Array("-----BEGIN PUBLIC KEY-----\n".utf8) + lines.joined() + Array("-----END PUBLIC KEY-----\n".utf8))
    }

    func isSame(as other: PublicKey) -> Bool { unsafe EVP_PKEY_eq(handle, other.handle) == 1 }

    /// Whether a signature (DER of r and s) is this key's of a message.
    package func verifies(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        let context = unsafe allocated(EVP_MD_CTX_new())
        defer {
            unsafe EVP_MD_CTX_free(context)
            ERR_clear_error()
        }
        guard unsafe EVP_DigestVerifyInit(context, nil, curve.digest, nil, handle) == 1 else { return false }
        return unsafe EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }
}

extension Curve {
    /// OpenSSL's digest that signatures on it are over.
    var digest: OpaquePointer? {
        switch self {
        case .p256: unsafe EVP_sha256()
        case .p384: unsafe EVP_sha384()
        case .p521: unsafe EVP_sha512()
        }
    }
}
