internal import Storage
internal import Synchronization

/// A tensor's stored bytes, front to back, digested as they pass by; of a tensor that is not there as many zeros, which are not digested.
final class PassingBytes: Sendable {
    private struct State: ~Copyable {
        var bytes: [UInt8] = []
        var hasher: SHA256Hasher? = SHA256Hasher()
    }

    private let file: InputFile?
    private let state = Mutex(State())

    init(_ file: InputFile?) { self.file = file }

    /// Whether the tensor is there at all.
    var isThere: Bool { file != nil }

    /// The bytes that were read last.
    var bytes: [UInt8] { state.withLock { $0.bytes } }

    /// Reads and digests the next bytes, which lie there.
    func pass(_ range: Range<Int>) throws {
        try read(range)
        digestBytes()
    }

    /// Reads the next bytes, which lie there, for `digestBytes`.
    func read(_ range: Range<Int>) throws {
        try state.withLock { state in
            var bytes: [UInt8] = []
            swap(&bytes, &state.bytes)
            if bytes.count != range.count { bytes = [UInt8](repeating: 0, count: range.count) }
            if let file {
                var span = bytes.mutableSpan
                try file.read(at: range.lowerBound, into: &span)
            }
            swap(&bytes, &state.bytes)
        }
    }

    /// Digests the bytes that were read last.
    func digestBytes() {
        guard file != nil else { return }
        state.withLock { state in
            let bytes = state.bytes
            state.hasher?.update(bytes.span)
        }
    }

    /// The digest of all that was read, to be asked for once; nil of what is not there.
    func digest() -> SHA256Digest? {
        file == nil ? nil : state.withLock { $0.hasher.take() }?.finish()
    }
}

/// The digest of blocks as they come.
final class RunningDigest: Sendable {
    private let hasher = Mutex<SHA256Hasher?>(SHA256Hasher())

    func update(_ blocks: [[UInt8]]) {
        hasher.withLock { hasher in for block in blocks { hasher?.update(block.span) } }
    }

    func update(contentsOf file: InputFile) throws(StorageError) {
        try file.forEachPiece(count: file.size) { (piece) throws(StorageError) in hasher.withLock { $0?.update(piece) } }
    }

    /// The digest of all that came; to be asked for once.
    func digest() -> SHA256Digest {
        guard let hasher = hasher.withLock({ $0.take() }) else { preconditionFailure("the digest was taken before") }
        return hasher.finish()
    }
}
