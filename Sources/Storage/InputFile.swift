package import SystemPackage

/// A file to read from, at any offset, from any thread.
///
/// Reads with `pread` rather than a mapping: pages read this way are the kernel's, so they do not count against the
/// memory budget, and a file that shrinks while it is open is an error, not a signal.
package final class InputFile: Sendable {
    package let path: FilePath
    /// The size in bytes when it was opened.
    package let size: Int
    private let descriptor: FileDescriptor

    /// Opens a regular file. Throws `missing`, `notAFile` or `unreadable`.
    package init(_ path: FilePath) throws(StorageError) {
        self.path = path
        do {
            let status = try Stat(path)
            guard status.type == .regular else { throw StorageError.notAFile(path) }
            descriptor = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
            size = Int(status.size)
        } catch let error as StorageError {
            throw error
        } catch let error as Errno {
            throw error == .noSuchFileOrDirectory || error == .notDirectory ? .missing(path) : .unreadable(path, error)
        } catch {
            throw .unreadable(path, .ioError)
        }
    }

    deinit { try? descriptor.close() }

    /// Fills `destination` with the bytes from `offset` on. Throws `truncated` where the file ends before.
    package func read(at offset: Int, into destination: inout MutableSpan<UInt8>) throws(StorageError) {
        let wanted = destination.count
        var done = 0
        while done < wanted {
            let got: Int
            do {
                got = unsafe try destination.withUnsafeMutableBytes { bytes throws -> Int in
                    unsafe try descriptor.read(
                        fromAbsoluteOffset: Int64(offset + done), into: UnsafeMutableRawBufferPointer(rebasing: bytes[done...]))
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

    /// The first `count` bytes, no more than its size; nil where it no longer had the size it was opened with when they had been read.
    package func settledBytes(count: Int) throws(StorageError) -> [UInt8]? {
        precondition(count <= size)
        let bytes: [UInt8]
        do { bytes = try self.bytes(count: count) } catch {
            guard case .truncated = error else { throw error }
            return nil
        }
        do { return try Int(Stat(descriptor).size) == size ? bytes : nil } catch { throw .unreadable(path, error) }
    }

    /// The whole file, where it is not larger than `limit` bytes.
    package static func contents(of path: FilePath, limit: Int = 1 << 30) throws(StorageError) -> [UInt8] {
        let file = try InputFile(path)
        guard file.size <= limit else { throw .tooLarge(path, limit: limit) }
        return try file.bytes(count: file.size)
    }

    /// The whole file as a JSON document.
    package static func json(_ path: FilePath, limit: Int = 1 << 28) throws(StorageError) -> JSONValue {
        let bytes = try contents(of: path, limit: limit)
        do { return try JSONValue(parsing: bytes.span) } catch { throw .syntax(path, error) }
    }
}
