/// The curves of keys that OpenSSF Model Signing takes (NIST SP 800-186). Each signs by ECDSA
/// (FIPS 186-5) over the digest of its own length.
package enum Curve: String, Sendable, CaseIterable {
    case p256 = "P-256"
    case p384 = "P-384"
    case p521 = "P-521"

    /// What OpenSSL calls it.
    init?(group: String) {
        switch group {
        case "prime256v1": self = .p256
        case "secp384r1": self = .p384
        case "secp521r1": self = .p521
        default: return nil
        }
    }
}
