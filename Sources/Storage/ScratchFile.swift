internal import Glibc
package import SystemPackage

/// A file without a name for what does not fit into memory: it is gone when it is closed, however the process ends.
package final class ScratchFile: Sendable {
    private let open: OpenFile
    private let directory: FilePath
    private var descriptor: FileDescriptor { open.descriptor }

    /// Creates one in `directory`, which must be on a disk with room for it.
    package init(in directory: FilePath) throws(StorageError) {
        open = try OpenFile(unnamedIn: directory)
        self.directory = directory
    }

    /// Writes numbers at an offset counted in numbers.
    package func write(_ values: Span<Float>, at offset: Int) throws(StorageError) {
        var done = 0
        let total = values.count * 4
        while done < total {
            do {
                done += try unsafe values.withUnsafeBytes { bytes throws -> Int in
                    unsafe try descriptor.writeAll(
                        toAbsoluteOffset: Int64(offset * 4 + done), UnsafeRawBufferPointer(rebasing: bytes[done...]))
                }
            } catch {
                throw .unwritable(directory, (error as? Errno) ?? .ioError)
            }
        }
    }

    /// Reads numbers; what was never written reads as zeros where the file reaches so far, and is an error beyond.
    package func read(at offset: Int, into values: inout MutableSpan<Float>) throws(StorageError) {
        var done = 0
        let total = values.count * 4
        while done < total {
            let got: Int
            do {
                got = try unsafe values.withUnsafeMutableBytes { bytes throws -> Int in
                    unsafe try descriptor.read(
                        fromAbsoluteOffset: Int64(offset * 4 + done), into: UnsafeMutableRawBufferPointer(rebasing: bytes[done...]))
                }
            } catch {
                throw .unreadable(directory, (error as? Errno) ?? .ioError)
            }
            guard got > 0 else { throw .truncated(directory, expected: offset * 4 + total, found: offset * 4 + done) }
            done += got
        }
    }

    /// Makes a copy of it that appears at `path` whole, in place of what is there.
    package func save(as path: FilePath) throws(StorageError) {
        let size: Int
        do throws(Errno) { size = try FileSystem.size(of: descriptor) } catch { throw .unreadable(directory, error) }
        let copy = try AtomicFile(path, replacing: true)
        try copy.write(contentsOf: InputFile(directory, size: size, of: open))
        try copy.commit()
    }

    /// Replaces its beginning by the numbers of a file that `save` has made.
    package func load(_ path: FilePath) throws(StorageError) {
        do throws(Errno) { try FileSystem.rewind(descriptor) } catch { throw .unwritable(directory, error) }
        try InputFile(path).append(to: descriptor, named: directory)
    }

    /// Makes the file `count` numbers long; what is new reads as zeros and takes no room until it is written.
    package func resize(to count: Int) throws(StorageError) {
        do { try descriptor.resize(to: Int64(count * 4)) } catch {
            throw .unwritable(directory, (error as? Errno) ?? .ioError)
        }
    }
}
