internal import CArchive

/// Zstandard frames in memory, one at a time, by libarchive.
package enum Zstandard {
    /// One frame of the bytes, of which there must be some: the same for the same version of the library.
    package static func compressed(_ bytes: Span<UInt8>, level: Int) -> [UInt8] {
        precondition(!bytes.isEmpty)
        let (archive, entry) = unsafe (allocated(archive_write_new()), allocated(archive_entry_new()))
        defer {
            unsafe archive_entry_free(entry)
            unsafe archive_write_free(archive)
        }
        func check(_ status: Int32) { precondition(status == ARCHIVE_OK, "libarchive has no Zstandard") }
        check(unsafe archive_write_set_format_raw(archive))
        check(unsafe archive_write_add_filter_zstd(archive))
        check(unsafe archive_write_set_filter_option(archive, "zstd", "compression-level", "\(level)"))
        check(unsafe archive_write_set_bytes_per_block(archive, 0))
        unsafe archive_entry_set_filetype(entry, 0o100000)
        // What cannot be compressed grows by three bytes in 128 KiB, and a frame's head and end.
        let bound = bytes.count + bytes.count / 256 + 1024
        return unsafe [UInt8](unsafeUninitializedCapacity: bound) { buffer, count in
            unsafe withUnsafeMutablePointer(to: &count) { used in
                check(unsafe archive_write_open_memory(archive, buffer.baseAddress, bound, used))
                check(unsafe archive_write_header(archive, entry))
                let written = unsafe bytes.withUnsafeBufferPointer { unsafe archive_write_data(archive, $0.baseAddress, $0.count) }
                precondition(written == bytes.count, "libarchive could not compress")
                check(unsafe archive_write_close(archive))
            }
        }
    }

    /// Fills `destination` from a frame. False where that is damaged or holds another number of bytes.
    package static func decompress(_ frame: Span<UInt8>, into destination: inout MutableSpan<UInt8>) -> Bool {
        let archive = unsafe allocated(archive_read_new())
        defer { unsafe archive_read_free(archive) }
        guard unsafe archive_read_support_format_raw(archive) == ARCHIVE_OK,
            unsafe archive_read_support_filter_zstd(archive) == ARCHIVE_OK
        else { return false }
        return unsafe frame.withUnsafeBufferPointer { source in
            var entry: OpaquePointer?
            // What is no frame would pass through as it is.
            guard unsafe archive_read_open_memory(archive, source.baseAddress, source.count) == ARCHIVE_OK,
                unsafe archive_filter_count(archive) == 2, unsafe archive_filter_code(archive, 0) == ARCHIVE_FILTER_ZSTD,
                unsafe archive_read_next_header(archive, &entry) == ARCHIVE_OK
            else { return false }
            return unsafe destination.withUnsafeMutableBufferPointer { target in
                var done = 0
                while done < target.count {
                    let got = unsafe archive_read_data(archive, target.baseAddress.map { unsafe $0 + done }, target.count - done)
                    guard got > 0 else { return false }
                    done += got
                }
                var beyond: UInt8 = 0
                return unsafe archive_read_data(archive, &beyond, 1) == 0
            }
        }
    }
}
