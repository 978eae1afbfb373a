internal import Storage
internal import Synchronization

/// Adds up what several threads have read.
final class ByteMeter: Sendable {
    private let done = Atomic<Int>(0)
    private let total: Int
    private let progress: @Sendable (Int, Int) -> Void

    init(of total: Int, _ progress: @escaping @Sendable (Int, Int) -> Void) { (self.total, self.progress) = (total, progress) }

    func add(_ bytes: Int) { progress(done.wrappingAdd(bytes, ordering: .relaxed).newValue, total) }
}

extension InputFile {
    /// The digest of the whole file; the meter hears of every piece.
    func sha256(_ meter: ByteMeter) throws(StorageError) -> SHA256Digest {
        var hasher = SHA256Hasher()
        try forEachPiece(count: size) { piece in
            hasher.update(piece)
            meter.add(piece.count)
        }
        return hasher.finish()
    }
}
