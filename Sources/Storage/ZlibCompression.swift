internal import CZlib

/// How small zlib makes bytes: a measure of how much a text says.
package enum ZlibCompression {
    /// The size of the stream at zlib's default level, in bytes: Python's `len(zlib.compress(bytes))`.
    package static func size(of bytes: [UInt8]) -> Int {
        var count = compressBound(uLong(bytes.count))
        var stream = [UInt8](repeating: 0, count: Int(count))
        let status = unsafe stream.withUnsafeMutableBufferPointer { target in
            unsafe bytes.withUnsafeBufferPointer { source in
                unsafe compress2(target.baseAddress, &count, source.baseAddress, uLong(source.count), Z_DEFAULT_COMPRESSION)
            }
        }
        // There is room for any stream of so many bytes; what is left to fail is a small allocation.
        precondition(status == Z_OK, "zlib could not compress")
        return Int(count)
    }
}
