internal import COpenSSL
package import Storage
package import SystemPackage

/// An X.509 certificate (RFC 5280).
@safe package final class Certificate {
    /// OpenSSL's certificate.
    let handle: OpaquePointer

    private init(adopting handle: OpaquePointer) { unsafe self.handle = unsafe handle }

    deinit { unsafe X509_free(handle) }

    /// Nil where the bytes are not one certificate in DER and nothing more.
    convenience init?(der: [UInt8]) {
        defer { ERR_clear_error() }
        let handle = unsafe der.withUnsafeBufferPointer { bytes -> OpaquePointer? in
            var end = bytes.baseAddress
            guard let handle = unsafe d2i_X509(nil, &end, bytes.count) else { return nil }
            if let start = bytes.baseAddress, unsafe end == start + bytes.count { return unsafe handle }
            unsafe X509_free(handle)
            return nil
        }
        guard let handle = unsafe handle else { return nil }
        unsafe self.init(adopting: handle)
    }

    /// The certificates of a PEM file, one at least. Throws `certificates`.
    package static func all(in path: FilePath) throws -> [Certificate] {
        try unsafe PEM.read(path, limit: 1 << 22) { text, secret in
            var certificates: [Certificate] = []
            while let handle = unsafe PEM_read_bio_X509(text, nil, nil, secret) {
                certificates.append(unsafe Certificate(adopting: handle))
            }
            guard ERR_GET_REASON(ERR_peek_last_error()) == excise_pem_no_start_line else {
                throw SigningError.certificates(path, reason: "holds a certificate that is malformed, behind \(certificates.count) others")
            }
            guard !certificates.isEmpty else {
                throw SigningError.certificates(path, reason: "holds no certificate in PEM (-----BEGIN CERTIFICATE-----)")
            }
            return certificates
        }
    }

    package var der: [UInt8] {
        let count = Int(unsafe i2d_X509(handle, nil))
        precondition(count > 0, "libcrypto could not write a certificate that it has read")
        return unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, written in
            var end = buffer.baseAddress
            written = unsafe Int(i2d_X509(handle, &end))
        }
    }

    /// The key that it is of. Throws `curve`.
    ///
    /// - Parameter path: the file that it is from.
    func publicKey(from path: FilePath) throws(SigningError) -> PublicKey {
        defer { ERR_clear_error() }
        guard let key = unsafe X509_get_pubkey(handle) else { throw .curve(path) }
        return try unsafe PublicKey(adopting: key, from: path)
    }

    /// Whether its key may sign: by its key usage (digitalSignature) or its extended one (codeSigning), as OpenSSF Model Signing asks.
    var maySign: Bool {
        // Where there is no such extension, OpenSSL says that every use is allowed.
        let (usage, extended) = unsafe (X509_get_key_usage(handle), X509_get_extended_key_usage(handle))
        return usage != .max && usage & UInt32(KU_DIGITAL_SIGNATURE) != 0 || extended != .max && extended & UInt32(XKU_CODE_SIGN) != 0
    }

    /// Whose it is (RFC 2253), what a terminal would not show escaped.
    package var subject: String {
        let text = unsafe allocated(BIO_new(BIO_s_mem()))
        defer { unsafe BIO_free(text) }
        unsafe X509_NAME_print_ex(text, X509_get_subject_name(handle), 0, excise_name_form)
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 4096) { buffer, written in
            written = unsafe max(0, Int(BIO_read(text, buffer.baseAddress, Int32(buffer.count))))
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// From when on it holds, and until when, in UTC (ISO 8601); nil where it says none.
    package var validity: (from: String?, until: String?) {
        unsafe (Self.text(X509_get0_notBefore(handle)), Self.text(X509_get0_notAfter(handle)))
    }

    private static func text(_ time: UnsafePointer<ASN1_TIME>?) -> String? {
        guard let general = unsafe ASN1_TIME_to_generalizedtime(time, nil) else { return nil }
        defer { unsafe ASN1_GENERALIZEDTIME_free(general) }
        let digits = unsafe UnsafeBufferPointer(start: ASN1_STRING_get0_data(general), count: Int(ASN1_STRING_length(general))).map {
            Character(Unicode.Scalar($0))
        }
        guard digits.count == 15 else { return nil }
        let part = { (range: Range<Int>) in String(digits[range]) }
        return "\(part(0..<4))-\(part(4..<6))-\(part(6..<8))T\(part(8..<10)):\(part(10..<12)):\(part(12..<14))Z"
    }

    /// SHA-256 of its DER.
    package var fingerprint: SHA256Digest { SHA256Hasher.digest(of: der) }
}
