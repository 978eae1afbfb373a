internal import COpenSSL
internal import SystemPackage

/// A SHA-256 digest (FIPS 180-4): 32 bytes. Its description is 64 lower-case hexadecimal digits.
package struct SHA256Digest: Sendable, Hashable, CustomStringConvertible {
    package static let byteCount = 32

    /// The 32 bytes, in the order they are written.
    package let bytes: [UInt8]

    /// Nil unless there are 32 bytes.
    package init?(bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = bytes
    }

    /// Nil unless the text is 64 hexadecimal digits.
    package init?(hexadecimal text: String) {
        let digits = text.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
        guard digits.count == 2 * Self.byteCount, digits.count == text.utf8.count else { return nil }
        bytes = stride(from: 0, to: digits.count, by: 2).map { UInt8(16 * digits[$0] + digits[$0 + 1]) }
    }

    fileprivate init(unchecked bytes: [UInt8]) { self.bytes = bytes }

    package var description: String {
        bytes.map { ($0 < 0x10 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

/// Takes bytes piece by piece and gives their SHA-256 digest.
@safe package struct SHA256Hasher: ~Copyable {
    private let context: OpaquePointer

    package init() {
        let context = unsafe allocated(EVP_MD_CTX_new())
        unsafe self.context = unsafe context
        // libcrypto can refuse only where SHA-256 itself has been taken out of it.
        let status = unsafe EVP_DigestInit_ex(context, EVP_sha256(), nil)
        precondition(status == 1, "libcrypto has no SHA-256")
    }

    deinit { unsafe EVP_MD_CTX_free(context) }

    /// The digest of a few bytes at once.
    package static func digest(of bytes: [UInt8]) -> SHA256Digest {
        var hasher = SHA256Hasher()
        hasher.update(bytes.span)
        return hasher.finish()
    }

    package mutating func update(_ bytes: RawSpan) {
        let status = unsafe bytes.withUnsafeBytes { unsafe EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
        precondition(status == 1, "libcrypto could not go on with SHA-256")
    }

    package mutating func update(_ bytes: Span<UInt8>) { unsafe update(bytes.bytes) }

    package consuming func finish() -> SHA256Digest {
        let digest = unsafe [UInt8](unsafeUninitializedCapacity: SHA256Digest.byteCount) { buffer, count in
            var written: UInt32 = 0
            let status = unsafe EVP_DigestFinal_ex(context, buffer.baseAddress, &written)
            precondition(status == 1 && written == SHA256Digest.byteCount, "libcrypto could not finish SHA-256")
            count = SHA256Digest.byteCount
        }
        return SHA256Digest(unchecked: digest)
    }
}

extension InputFile {
    /// The digest of the whole file.
    package func sha256() throws(StorageError) -> SHA256Digest {
        var hasher = SHA256Hasher()
        try forEachPiece(count: size) { hasher.update($0) }
        return hasher.finish()
    }
}
