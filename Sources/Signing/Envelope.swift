/// What was signed, and its signature: the envelope of DSSE 1.0 (secure-systems-lab/dsse) with one signature.
package struct Envelope: Sendable {
    /// An in-toto statement.
    static let payloadType = "application/vnd.in-toto+json"

    package let payload: [UInt8]
    /// DER of r and s.
    let signature: [UInt8]

    /// The bytes that the signature is over: the payload with its type and both lengths in front (DSSE's PAE).
    static func signedBytes(of payload: [UInt8]) -> [UInt8] {
        Array("DSSEv1 \(payloadType.utf8.count) \(payloadType) \(payload.count) ".utf8) + payload
    }

    func holds(by key: PublicKey) -> Bool { key.verifies(signature, of: Self.signedBytes(of: payload)) }
}
