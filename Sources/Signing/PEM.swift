internal import COpenSSL
internal import Storage
internal import SystemPackage

/// Files in PEM (RFC 7468), as OpenSSL reads them from memory.
enum PEM {
    /// More than any key takes.
    static let keyLimit = 1 << 16

    /// What `body` reads from the file's text with OpenSSL's functions: it gets the text, and the passphrase as they take
    /// it. With none given that is an empty one; without any, OpenSSL would ask on the terminal.
    static func read<Result>(
        _ path: FilePath, limit: Int, passphrase: [UInt8] = [],
        _ body: (_ text: OpaquePointer, _ secret: UnsafeMutableRawPointer?) throws -> Result
    ) throws -> Result {
        let text = try InputFile.contents(of: path, limit: limit)
        var secret = passphrase + [0]
        // What OpenSSL notes of an error stays until it is cleared, and would be taken for the next one's.
        ERR_clear_error()
        defer { ERR_clear_error() }
        return try unsafe (text + [0]).withUnsafeBytes { bytes in
            let memory = unsafe allocated(BIO_new_mem_buf(bytes.baseAddress, Int32(text.count)))
            defer { unsafe BIO_free(memory) }
            return try unsafe secret.withUnsafeMutableBytes { try unsafe body(memory, $0.baseAddress) }
        }
    }
}
