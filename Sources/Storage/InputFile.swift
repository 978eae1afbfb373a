internal import Glibc
package import SystemPackage

/// A file to read from, at any offset, from any thread: a file of its own, or a region of one, such as an archive's entry.
///
/// Reads with `pread` rather than a mapping: pages read this way are the kernel's, so they do not count against the
/// memory budget, and a file that shrinks while it is open is an error, not a signal. (`FilePages` is the exception.)
package final class InputFile: Sendable {
    /// What messages call it. Of an archive's entry, the archive's path with the entry's name behind it.
    package let path: FilePath
    /// The size in bytes when it was opened.
    package let size: Int
    /// Where its first byte lies in what is open.
    let start: Int
    let open: OpenFile
    /// The size of all that is open, when it was opened.
    private let wholeSize: Int

    /// Opens a regular file. Throws `missing`, `notAFile` or `unreadable`.
    package convenience init(_ path: FilePath) throws(StorageError) {
        do {
            let status = try Stat(path)
            guard status.type == .regular else { throw StorageError.notAFile(path) }
            let open = OpenFile(adopting: try FileDescriptor.open(path, .readOnly, options: .closeOnExec))
            self.init(path, size: Int(status.size), of: open)
        } catch let error as StorageError {
            throw error
        } catch let error as Errno {
            throw error == .noSuchFileOrDirectory || error == .notDirectory ? .missing(path) : .unreadable(path, error)
        } catch {
            throw .unreadable(path, .ioError)
        }
    }

    /// All of what is open.
    convenience init(_ path: FilePath, size: Int, of open: OpenFile) { self.init(path, region: 0..<size, of: open, wholeSize: size) }

    private init(_ path: FilePath, region: Range<Int>, of open: OpenFile, wholeSize: Int) {
        self.path = path
        self.open = open
        self.wholeSize = wholeSize
        start = region.lowerBound
        size = region.count
    }

    /// Which file it is, and in what state, by the file system's account: device, inode, size, time of the last change, region.
    package var identity: String {
        guard let status = try? Stat(open.descriptor) else { return path.string }
        let time = status.st_mtim
        return "\(status.deviceID.rawValue) \(status.inode.rawValue) \(status.size) \(time.tv_sec).\(time.tv_nsec) \(start) \(size)"
    }

    /// A part of it as a file of its own, which keeps this one open.
    package func region(_ range: Range<Int>, named path: FilePath) -> InputFile {
        precondition(range.lowerBound >= 0 && range.upperBound <= size)
        return InputFile(path, region: start + range.lowerBound..<start + range.upperBound, of: open, wholeSize: wholeSize)
    }

    /// Fills `destination` with the bytes from `offset` on. Throws `truncated` where the file ends before.
    package func read(at offset: Int, into destination: inout MutableSpan<UInt8>) throws(StorageError) {
        let wanted = destination.count
        guard offset >= 0, wanted <= size - offset else { throw .truncated(path, expected: offset + wanted, found: size) }
        var done = 0
        while done < wanted {
            let got: Int
            do {
                got = unsafe try destination.withUnsafeMutableBytes { bytes throws -> Int in
                    unsafe try open.descriptor.read(
                        fromAbsoluteOffset: Int64(start + offset + done), into: UnsafeMutableRawBufferPointer(rebasing: bytes[done...]))
                }
            } catch {
                throw .unreadable(path, (error as? Errno) ?? .ioError)
            }
            guard got > 0 else { throw .truncated(path, expected: offset + wanted, found: offset + done) }
            done += got
        }
    }

    /// `count` bytes from `offset` on.
    package func bytes(at offset: Int = 0, count: Int) throws(StorageError) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: count)
        var span = result.mutableSpan
        try read(at: offset, into: &span)
        return result
    }

    /// The first `count` bytes, no more than its size; nil where what is open no longer had its size when they had been read.
    package func settledBytes(count: Int) throws(StorageError) -> [UInt8]? {
        precondition(count <= size)
        let bytes: [UInt8]
        do { bytes = try self.bytes(count: count) } catch {
            guard case .truncated = error else { throw error }
            return nil
        }
        do { return try Int(Stat(open.descriptor).size) == wholeSize ? bytes : nil } catch { throw .unreadable(path, error) }
    }

    /// Hands over the bytes from `start` on, a piece at a time, in a buffer that is used again.
    package func forEachPiece(
        from start: Int = 0, count: Int, _ body: (Span<UInt8>) throws(StorageError) -> Void
    ) throws(StorageError) {
        var buffer = [UInt8](repeating: 0, count: min(count, 1 << 20))
        var done = 0
        while done < count {
            buffer.removeLast(max(0, buffer.count - (count - done)))
            var piece = buffer.mutableSpan
            try read(at: start + done, into: &piece)
            try body(piece.span)
            done += buffer.count
        }
    }

    /// Writes all of it where another file stands, by the kernel's own copying where it can. `path` is what messages call that file.
    func append(to target: FileDescriptor, named path: FilePath) throws(StorageError) {
        var done = 0
        do throws(Errno) {
            done = try FileSystem.appendCopy(of: start..<start + size, from: open.descriptor, to: target)
        } catch { throw .unwritable(path, error) }
        try forEachPiece(from: done, count: size - done) { (piece) throws(StorageError) in
            do throws(Errno) { try FileSystem.append(piece, to: target) } catch { throw .unwritable(path, error) }
        }
    }

    /// All of it, where it is not larger than `limit` bytes.
    package func contents(limit: Int = 1 << 30) throws(StorageError) -> [UInt8] {
        guard size <= limit else { throw .tooLarge(path, limit: limit) }
        return try bytes(count: size)
    }

    /// All of it as a JSON document.
    package func json(limit: Int = 1 << 28) throws(StorageError) -> JSONValue {
        let bytes = try contents(limit: limit)
        do { return try JSONValue(parsing: bytes.span) } catch { throw .syntax(path, error) }
    }
}

extension InputFile {
    /// The whole file at `path`, where it is not larger than `limit` bytes.
    package static func contents(of path: FilePath, limit: Int = 1 << 30) throws(StorageError) -> [UInt8] {
        try InputFile(path).contents(limit: limit)
    }

    /// The whole file at `path` as a JSON document.
    package static func json(_ path: FilePath, limit: Int = 1 << 28) throws(StorageError) -> JSONValue {
        try InputFile(path).json(limit: limit)
    }
}
