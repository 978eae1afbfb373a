internal import COpenSSL
internal import Storage
package import SystemPackage

/// The certificates that are believed, whoever sent them: where a chain has to end.
@safe package struct TrustedCertificates {
    private let certificates: [Certificate]

    /// Those of PEM files. Throws `certificates`.
    package init(_ paths: [FilePath]) throws { certificates = try paths.flatMap { try Certificate.all(in: $0) } }

    /// Why a certificate is not to be trusted (RFC 5280, section 6); nil where it is.
    ///
    /// The time that counts is the one from which on the certificate holds: a signature does not say when it was made, so one that was good
    /// once stays so, and the clock does not matter. Keys and digests weaker than 112 bits are refused.
    ///
    /// - Parameter others: what may stand between it and the trusted ones.
    func objection(to certificate: Certificate, through others: [Certificate]) -> String? {
        let (store, context) = unsafe (allocated(X509_STORE_new()), allocated(X509_STORE_CTX_new()))
        let untrusted = unsafe allocated(OPENSSL_sk_new_null())
        defer {
            unsafe X509_STORE_CTX_free(context)
            unsafe OPENSSL_sk_free(untrusted)
            unsafe X509_STORE_free(store)
            ERR_clear_error()
        }
        for trusted in certificates { unsafe X509_STORE_add_cert(store, trusted.handle) }
        for other in others { unsafe OPENSSL_sk_push(untrusted, UnsafeRawPointer(other.handle)) }
        guard let start = certificate.start else { return "it does not say from when on it holds" }
        guard unsafe X509_STORE_CTX_init(context, store, certificate.handle, untrusted) == 1 else { return "it could not be looked at" }
        unsafe X509_STORE_CTX_set_time(context, 0, start)
        unsafe X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(context), 2)
        // The others must outlive the stack, which only points to them.
        let status = withExtendedLifetime((certificates, others)) { unsafe X509_verify_cert(context) }
        guard status != 1 else { return nil }
        return unsafe String(cString: X509_verify_cert_error_string(Int(X509_STORE_CTX_get_error(context))))
    }
}

extension Certificate {
    /// The time from which on it holds, in seconds since 1970; nil where it says none.
    fileprivate var start: Int? {
        let epoch = unsafe allocated(ASN1_TIME_set(nil, 0))
        defer { unsafe ASN1_TIME_free(epoch) }
        var (days, seconds) = (Int32(0), Int32(0))
        guard unsafe ASN1_TIME_diff(&days, &seconds, epoch, X509_get0_notBefore(handle)) == 1 else { return nil }
        return 86400 * Int(days) + Int(seconds)
    }
}
