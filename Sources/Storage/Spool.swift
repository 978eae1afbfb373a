package import SystemPackage

/// Bytes put aside on disk, to be taken up again in the same order: they are gone when it is closed, however the process ends.
package struct Spool: ~Copyable {
    private let open: OpenFile
    private let directory: FilePath
    private var size = 0

    private static let blockSize = 1 << 20

    /// Creates one in `directory`, which must be on a disk with room for it.
    package init(in directory: FilePath) throws(StorageError) {
        open = try OpenFile(unnamedIn: directory)
        self.directory = directory
    }

    package mutating func append(_ bytes: [UInt8]) throws(StorageError) {
        do { size += try open.descriptor.writeAll(toAbsoluteOffset: Int64(size), bytes) } catch {
            throw .unwritable(directory, (error as? Errno) ?? .ioError)
        }
    }

    /// Calls `body` with all that was put aside, in blocks.
    package func forEachBlock(_ body: ([UInt8]) throws -> Void) throws {
        let file = InputFile(directory, size: size, of: open)
        for start in stride(from: 0, to: size, by: Self.blockSize) {
            try body(file.bytes(at: start, count: min(Self.blockSize, size - start)))
        }
    }
}
